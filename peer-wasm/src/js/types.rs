//! The TypeScript side of the events; `js/event.rs` makes the objects.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What went wrong, by a stable code, and a sentence for people. */
export interface WardsumError extends Error {
  code:
    | "invalid-url" | "no-window" | "no-entropy" | "invitation"
    | "no-study" | "not-a-response" | "not-allowed" | "already-answered" | "closed"
    | WardsumStorageCode;
}

/** What is the matter with the browser's storage. */
export type WardsumStorageCode =
  | "storage-blocked" | "storage-full" | "storage-gone" | "storage-damaged" | "storage-newer"
  | "storage-cleared" | "storage-silent" | "no-locks" | "storage-failed";

/** An answer of a tab that was closed before its round was over. */
export interface WardsumResumable {
  /** For `WardsumPeer.resume` and `WardsumPeer.forget`; made for this browser only. */
  id: string;
  /** The study's id, as in /ws/STUDY. */
  study: string;
  /** Names the study and the round, as `WardsumStudy.digest` does. */
  digest: string;
  /** When it was written down last, milliseconds since 1970. */
  updatedAtMs: number;
}

/** How the round has ended that a tab has answered in. */
export interface WardsumOutcome {
  /** The study's id, as in /ws/STUDY. */
  study: string;
  /** Names the study and the round, as `WardsumStudy.digest` does. */
  digest: string;
  /** What was asked. */
  asked: WardsumStudy;
  count: number;
  cells: WardsumCell[];
  /** The sum of the answers to the first question in steps, if that asks for a number and the sum is published. */
  sum: bigint | undefined;
  /** How many answers came and were not counted, because they were not valid or in dispute. */
  rejected: number;
  ownAnswer: WardsumOwnAnswer;
  /** The text of the receipt, if an answer was given here. */
  receipt: string | undefined;
}

/** Where a round stands. */
export type WardsumPhase =
  | "enrolling" | "contributing" | "verifying" | "aggregating" | "published" | "ended";

/** A text in each of its languages, the first of which is for whoever reads none of them. `language` is a tag such as
    `de`, or empty where there is only one; `text` may be empty. */
export type WardsumText = { language: string; text: string }[];

/** What is asked, and under which rules. */
export interface WardsumStudy {
  /** Names the study and the round, in hexadecimal digits, as the hospital's API does. */
  digest: string;
  title: WardsumText;
  organisation: string;
  /** What is asked and why. */
  introduction: WardsumText;
  form: WardsumForm;
  /** No number about fewer people is published; 1 if all are. */
  minimumCell: number;
  minimumCohort: number;
  maximumCohort: number;
}

/** A questionnaire. Questions are counted from 0 on, through all sections. */
export interface WardsumForm {
  sections: { title: WardsumText; help: WardsumText; items: WardsumItem[] }[];
  /** The question by whose answers all others are told apart. */
  grouping: number | undefined;
  scores: {
    id: string;
    code: WardsumCoding | undefined;
    title: WardsumText;
    terms: { item: number; weight: number }[];
    /** Whether it is found out how many have each value, and the sum of squares, besides the sum. */
    distribution: boolean;
  }[];
}

/** A question. */
export type WardsumItem = {
  id: string;
  code: WardsumCoding | undefined;
  text: WardsumText;
  help: WardsumText;
  unit: WardsumText;
  /** Whether it may be left out (`null`). */
  optional: boolean;
} & (
  | { type: "yes-no" }
  | { type: "number"; range: WardsumRange; squares: boolean }
  | { type: "scale"; range: WardsumRange; lowest: WardsumText; highest: WardsumText }
  | { type: "choice"; options: WardsumOption[] }
  | { type: "choices"; options: WardsumOption[]; atMost: number }
);

/** `min` to `max` steps of `step` times ten to the power of `-decimals`: with a step of 5 and one decimal, 70 steps are 35.0. */
export interface WardsumRange { min: bigint; max: bigint; step: number; decimals: number }

export interface WardsumOption { code: WardsumCoding | undefined; text: WardsumText; value: number | undefined }

/** What something is called in a terminology; `system` may be empty. */
export interface WardsumCoding { system: string; code: string }

/** What is answered to a question: to a number so many steps (a number or, beyond 2^53, a BigInt); to a choice one of
    the options, from 0 on, and to a scale likewise, where 0 is `min`; `null` is to leave an optional question out. */
export type WardsumResponse =
  | { number: bigint | number } | { yes: boolean } | { choice: number } | { choices: number[] } | null;

/** A number that was found out about a question (`item`) or a score, from 0 on. */
export interface WardsumCell {
  item?: number;
  score?: number;
  /** Of whom: an option of the grouping question (yes is 0, no is 1), or everybody. */
  group: number | undefined;
  /** How many answered; the sum of the steps by which the answers exceed the smallest, and of their squares; how many said
      yes; how many chose `option`, or have the value that exceeds the lowest by so much. */
  figure: "answered" | "sum" | "squares" | "yes" | "option";
  option?: number;
  /** `null` if it is not published, because it is about too few people or would give such a number away. */
  value: bigint | null;
}

/** Whether the answer that was given here counts: `not-counted` came too late, `not-valid` failed the
    check that all answers pass, and of `in-dispute` a member of the committee could not use its share. */
export type WardsumOwnAnswer = "counted" | "not-counted" | "not-valid" | "in-dispute" | "none";

/** What happens in a round, in the order in which it happens. */
export type WardsumEvent =
  /** A connection stands. */
  | { type: "connected" }
  /** This peer has answered before, and goes on where it was. Shares of the answer may have left this
      device then (`sent`), and the hospital may have promised to count it (`promised`). */
  | { type: "resumed"; study: WardsumStudy; sent: boolean; promised: boolean }
  /** The questions can be asked now, and `answer` can be called. */
  | { type: "study"; study: WardsumStudy }
  /** `present` of at least `needed`; `away` are waited for that have lost their connection. */
  | {
      type: "waiting"; phase: WardsumPhase; present: number; needed: number; away: number;
      closesInMs: number;
    }
  | { type: "enrolled" }
  /** Fixed: `threshold` of `members` partial sums reveal the sum. */
  | { type: "committee"; members: number; threshold: number; member: boolean }
  /** The safety words are being computed, in a worker. If they are `awaited`, nothing of the answer is sent before
      `wordsMatch` is called. */
  | { type: "compareWords"; awaited: boolean }
  /** The eight safety words, for people to compare aloud: everybody taking part sees the same. */
  | { type: "words"; words: string[] }
  /** No worker starts here: the page computes the words, and stands still meanwhile. */
  | { type: "wordsInPage" }
  /** There is not enough memory for the safety words, so the answer is not sent if they are awaited. */
  | { type: "wordsUnavailable"; message: string }
  /** So many people have said that their safety words differ: warn the others, loudly. */
  | { type: "wordsDisputed"; reports: number }
  | { type: "contributionSent"; shares: number }
  | { type: "contributionAcknowledged" }
  | { type: "shareReceived"; received: number }
  /** Fixed: so many answers have come, of which those that are valid count. */
  | { type: "manifest"; contributions: number; ownAnswer: WardsumOwnAnswer }
  /** This peer has told whether it finds them valid. */
  | { type: "verificationSent"; contributions: number }
  /** Fixed: `accepted` answers count, and `rejected` do not. */
  | { type: "verdict"; accepted: number; rejected: number; ownAnswer: WardsumOwnAnswer }
  | { type: "partialSent" }
  /** This peer gives no partial sum; the round may succeed without it. */
  | { type: "declined"; message: string }
  /** What `count` answers come to, checked by this peer; `rejected` more were not counted. The partial sums of `wrongMembers`
      (places on the committee) were wrong and have been corrected. `sum` is that of the answers to the first question in steps, if
      that asks for a number and the sum is published. */
  | {
      type: "result"; count: number; cells: WardsumCell[]; sum: bigint | undefined; rejected: number;
      wrongMembers: number[]; ownAnswer: WardsumOwnAnswer;
    }
  /** The round is over for this peer. */
  | { type: "failed"; code: string; message: string }
  /** A connection is over, or could not be made; `opened` says whether any ever stood. */
  | { type: "closed"; code: number; reason: string; opened: boolean }
  /** The connection is lost; the peer connects again after `retryInMs`, or sooner. */
  | { type: "disconnected"; code: string; message: string; retryInMs: number }
  | { type: "reconnected" }
  /** This browser keeps nothing: the peer takes part, and cannot be resumed. */
  | { type: "notKept"; code: WardsumStorageCode; message: string }
  /** Something could not be written down, so the peer has stopped before sending it. */
  | { type: "storageFailed"; code: WardsumStorageCode; message: string }
  /** The round is over, and what was kept of it could not be erased. */
  | { type: "notErased"; code: WardsumStorageCode; message: string };

/** Where a peer stands. */
export type WardsumStage =
  | "connecting" | "awaiting-answer" | "awaiting-committee" | "comparing" | "sealing" | "awaiting-manifest"
  | "awaiting-verdict" | "awaiting-result" | "finished" | "failed" | "left";

/** Where a peer stands, and what has left this device. */
export interface WardsumProgress {
  stage: WardsumStage;
  sharesSent: number;
  bytesSent: number;
  verificationsSent: number;
  partialsSent: number;
}
"#;
