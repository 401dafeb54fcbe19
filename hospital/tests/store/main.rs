//! What a store makes of files that were altered, and of a process that was killed.

mod altered_database;
mod altered_log;
mod fixture;
mod killed_process;
mod killed_round;
mod recorded_round;
mod refused_directories;
mod sample;
