#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wardsum_fuzz::peer::run(data));
