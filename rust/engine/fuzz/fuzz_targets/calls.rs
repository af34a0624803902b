//! Requests chosen by coverage. What an input does is in the engine's own tests, `tests/fuzz`, where
//! one that failed can be played: `FUZZ_INPUT=path cargo test --test fuzz one`.

#![no_main]

#[path = "../../tests/fuzz/player/mod.rs"]
mod player;

libfuzzer_sys::fuzz_target!(|input: &[u8]| player::play(input));
