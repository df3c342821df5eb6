//! Generates message ids.
//!
//! Owns their form: a version 7 UUID, so that ids sort by time. Reads no clock and makes no randomness: the
//! caller passes both in.

use std::fmt::Write as _;

use bot_protocol::id::MessageId;

/// A UUIDv7 from milliseconds since the Unix epoch and ten random bytes.
pub fn message_id(unix_ms: u64, random: [u8; 10]) -> MessageId {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&unix_ms.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&random);
    bytes[6] = 0x70 | (bytes[6] & 0x0f); // version 7
    bytes[8] = 0x80 | (bytes[8] & 0x3f); // the variant that RFC 9562 describes
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        write!(text, "{byte:02x}").expect("a string takes whatever is written to it");
    }
    MessageId::new(&text).expect("36 hexadecimal digits and dashes are an id")
}

#[cfg(test)]
mod tests {
    use super::message_id;

    #[test]
    fn an_id_is_a_version_7_uuid() {
        let id = message_id(0x0197_c1f0_3b0a, [0xff; 10]);
        assert_eq!(id.as_str(), "0197c1f0-3b0a-7fff-bfff-ffffffffffff");
        assert_eq!(message_id(0, [0; 10]).as_str(), "00000000-0000-7000-8000-000000000000");
    }

    #[test]
    fn ids_sort_by_their_time() {
        assert!(message_id(1, [0xff; 10]) < message_id(2, [0; 10]));
    }
}
