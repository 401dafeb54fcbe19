#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wardsum_fuzz::texts::run(data));
