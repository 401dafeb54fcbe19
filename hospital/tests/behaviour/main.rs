//! What a hospital does, seen from outside: real sockets on free loopback ports, one behaviour a file.
//!
//! Every wait has an end ([`test_hospital::within`]), and nothing here leaves this computer.

mod bench_command;
mod configuration_errors;
mod draining;
mod failed_rounds;
mod http_answers;
mod misbehaving_peers;
mod refused_upgrades;
mod reopening;
mod rounds;
mod scripted_peer;
mod several_studies;
mod simulate_command;
mod slow_connections;
mod stopping_the_program;
mod test_hospital;
mod tls_versions;
