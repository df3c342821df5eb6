//! What the tests and the fuzz targets share: the model of v0.1, the acts that try to break the
//! format, and the properties that must hold for any input.

#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod nasty;
pub(crate) mod properties;
pub(crate) mod v01;

/// SplitMix64: a sequence of 64-bit numbers from any seed.
pub(crate) fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)).to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(len).collect()
}
