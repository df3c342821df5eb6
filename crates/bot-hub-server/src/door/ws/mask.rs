//! Takes the client's mask off a payload, in place.

/// Unmasks `bytes`, whose first byte is byte `offset` of the frame's payload.
///
/// Eight bytes at a time: the mask is turned to where the payload stands and repeated, so a payload
/// that arrives in pieces costs the same as a whole one. The compiler widens the loop further.
pub(super) fn unmask(bytes: &mut [u8], mask: [u8; 4], offset: usize) {
    let turned: [u8; 4] = std::array::from_fn(|i| mask[(i + offset) % 4]);
    let half = u32::from_ne_bytes(turned);
    let word = u64::from(half) << 32 | u64::from(half);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for chunk in words {
        *chunk = (u64::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(turned.iter().cycle()) {
        *byte ^= mask;
    }
}
