//! The TypeScript side of the events; `js/event.rs` makes the objects.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What went wrong, by a stable code, and a sentence for people. */
export interface WardsumError extends Error {
  code:
    | "invalid-url" | "no-window" | "no-entropy" | "invitation"
    | "no-study" | "not-whole" | "out-of-range" | "already-answered" | "closed"
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
  count: number;
  sum: bigint;
  /** How many answers came and were not counted, because they were not valid or in dispute. */
  rejected: number;
  ownAnswer: WardsumOwnAnswer;
  /** The text of the receipt, if an answer was given here. */
  receipt: string | undefined;
}

/** Where a round stands. */
export type WardsumPhase =
  | "enrolling" | "contributing" | "verifying" | "aggregating" | "published" | "ended";

/** What is asked, and under which rules. Ranges are BigInt, since they may exceed 2^53. */
export interface WardsumStudy {
  /** Names the study and the round, in hexadecimal digits, as the hospital's API does. */
  digest: string;
  title: string;
  organisation: string;
  question: string;
  unit: string;
  min: bigint;
  max: bigint;
  minimumCohort: number;
  maximumCohort: number;
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
  /** The question can be asked now, and `answer` can be called. */
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
  /** The sum of `count` answers, checked by this peer; `rejected` more were not counted. The partial sums of `wrongMembers` (places on the
      committee) were wrong and have been corrected. */
  | {
      type: "result"; count: number; sum: bigint; mean: number; rejected: number; wrongMembers: number[];
      ownAnswer: WardsumOwnAnswer;
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
