//! The TypeScript side of the events; `js/event.rs` makes the objects.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What went wrong, by a stable code, and a sentence for people. */
export interface WardsumError extends Error {
  code:
    | "invalid-url" | "no-window" | "no-entropy"
    | "no-study" | "not-whole" | "out-of-range" | "already-answered" | "closed";
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
  | { type: "connected" }
  /** The question can be asked now, and `answer` can be called. */
  | { type: "study"; study: WardsumStudy }
  /** `present` of at least `needed` people; `closesInMs` when the time of closing is known. */
  | { type: "waiting"; phase: WardsumPhase; present: number; needed: number; closesInMs?: number }
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
  /** The sum of `count` answers, checked by this peer. */
  | { type: "result"; count: number; sum: bigint; mean: number; ownAnswer: WardsumOwnAnswer }
  /** The round is over for this peer; nothing else but `disconnected` follows. */
  | { type: "failed"; code: string; message: string }
  | { type: "disconnected"; code: number; reason: string; opened: boolean };

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
