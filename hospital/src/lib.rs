//! The Wardsum hospital: a relay between patients' peers that learns their sum and nothing else.
//!
//! ```text
//! TCP --> server: TLS 1.3 --> http: API, page --> upgrade --> peer_connection --+
//!                                                                               | one inbox in,
//! study_desk: which round is open <--------- round_task: owns one Round <-------+ one outbox out
//! ```
//!
//! * [`server`] accepts connections, and drains them when told to stop.
//! * [`http`] answers requests: the status API, the built page, and the upgrade to a WebSocket.
//! * [`built_page`] tells whether a built page is whole, and which it is.
//! * `peer_connection` serves one peer's WebSocket; `inbox` is what waits for its round, and
//!   `outbox` what waits to be sent to it.
//! * [`round_task`] owns one round: the state machine of `wardsum-protocol`, driven by its contract.
//! * [`standing`] is how a round stands, even when its task has failed.
//! * [`study_desk`] keeps a study going from round to round.
//! * [`certificate`] replaces the certificate that is shown, when its files change.
//! * [`studies_file`] and [`limits`] are the configuration; [`serve`] brings flags and file together.
//! * [`questionnaires`] reads questionnaires from files: TOML, JSON, and Questionnaires of FHIR.
//! * [`store`] keeps rounds, sealed shares and the audit log on disk.
//! * `commits` holds back what a round says until it is stored, `retention` erases what was sealed.
//! * `ops` tells operators whether the hospital is well, [`health`] asks it, `service_manager` is told, `metrics` counts, [`control`] takes commands.
//! * [`access`] knows researchers by their tokens, `studies` are those of the file and those that they make,
//!   `commands` is what a round can be told.
//! * `ops` tells operators whether the hospital is well, `metrics` counts, [`control`] takes commands.
//! * [`native_peer`] is a patient's peer outside a browser, and [`simulate`] a round of many of them.
//! * [`results`] makes files of results, for spreadsheets, statistics programs and hospitals' systems.
//! * [`invite`] is the authority's: it makes invitations, on another machine than the hospital's.
//! * [`bench`] measures such rounds, next to what they must cost at least.
//!
//! Sealed shares pass through as bytes that are never parsed, and neither keys nor shares nor payloads
//! are ever logged, at any level.

pub mod access;
mod address_caps;
pub mod announcement;
pub mod asked;
pub mod bench;
pub mod built_page;
pub mod certificate;
pub mod cli;
mod clock;
mod commands;
mod commits;
pub mod control;
mod cpu;
pub mod health;
mod hex;
mod html;
pub mod http;
mod inbox;
pub mod invite;
pub mod limits;
mod log_throttle;
pub mod logging;
mod metrics;
pub mod native_peer;
pub mod open_files;
mod ops;
mod outbox;
mod peer_connection;
pub mod questionnaires;
pub mod result_json;
pub mod results;
mod retention;
pub mod round_task;
pub mod serve;
pub mod server;
mod service_manager;
pub mod simulate;
pub mod standing;
pub mod store;
mod studies;
pub mod studies_file;
pub mod study_desk;
pub mod tls;
mod traffic;
pub mod transcripts;
mod utc;
