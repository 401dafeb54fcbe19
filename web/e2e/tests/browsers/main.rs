//! The page in real browsers, against the real hospital. `wardsum_e2e` says how to run this.

mod accessibility;
mod choosing_a_study;
mod connection_lost;
mod firefox;
mod hospital_cannot_read_shares;
mod hospital_unreachable;
mod input_errors;
mod keyboard_only;
mod leaving;
mod log_secrecy;
mod next_round;
mod no_webassembly;
mod one_answer_a_round;
mod page_stopped;
mod plain_html_example;
mod round;
mod screenshots;
mod small_screens;
mod through_the_hospital;
mod through_trunk;
mod too_few_people;
mod two_studies_at_once;
