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
  ownAnswer: WardsumOwnAnswer;
}

/** Where a round stands. */
export type WardsumPhase = "enrolling" | "contributing" | "aggregating" | "published" | "ended";

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

/** Whether the answer that was given here counts. */
export type WardsumOwnAnswer = "counted" | "not-counted" | "none";

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
  | { type: "contributionSent"; shares: number }
  | { type: "contributionAcknowledged" }
  | { type: "shareReceived"; received: number }
  /** Fixed: so many answers count. */
  | { type: "manifest"; contributions: number; ownAnswer: WardsumOwnAnswer }
  | { type: "partialSent" }
  /** This peer gives no partial sum; the round may succeed without it. */
  | { type: "declined"; message: string }
  /** The sum of `count` answers, checked by this peer. The partial sums of `wrongMembers` (places on the
      committee) were wrong and have been corrected. */
  | {
      type: "result"; count: number; sum: bigint; mean: number; wrongMembers: number[];
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
  | "connecting" | "awaiting-answer" | "awaiting-committee" | "sealing" | "awaiting-manifest"
  | "awaiting-result" | "finished" | "failed" | "left";

/** Where a peer stands, and what has left this device. */
export interface WardsumProgress {
  stage: WardsumStage;
  sharesSent: number;
  bytesSent: number;
  partialsSent: number;
}
"#;
