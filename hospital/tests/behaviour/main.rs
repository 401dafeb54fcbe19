//! What a hospital does, seen from outside: real sockets on free loopback ports, one behaviour a file.
//!
//! Every wait has an end ([`test_hospital::within`]), and nothing here leaves this computer.

mod api_document;
mod bench_command;
mod coming_back;
mod configuration_errors;
mod configuration_reference;
mod crowds;
mod disputed_words;
mod document_links;
mod draining;
mod earlier_versions;
mod export_and_backup;
mod failed_rounds;
mod failing_store;
mod http_answers;
mod invite_command;
mod invited_studies;
mod misbehaving_peers;
mod one_data_directory;
mod operators_guide;
mod ops_listener;
mod packaging;
mod page_command;
mod program;
mod refused_upgrades;
mod renewed_certificates;
mod reopening;
mod researcher_command;
mod researcher_events;
mod researcher_rounds;
mod researcher_tokens;
mod restarts;
mod restored_backup;
mod retention;
mod rounds;
mod scripted_peer;
mod several_studies;
mod simulate_command;
mod slow_connections;
mod stopping_the_program;
#[path = "../store/sample.rs"]
mod store_sample;
mod studies_at_run_time;
mod study_commands;
mod supervision;
mod test_hospital;
mod tls_versions;
mod transcripts;
