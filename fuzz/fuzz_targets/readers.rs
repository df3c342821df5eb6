#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bot_hub_fuzz::readers(data));
