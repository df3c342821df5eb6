//! The one computation of the opening handshake.

use sha1::{Digest, Sha1};

/// RFC 6455 section 1.3: proves to the client that the answer is to its request.
const HANDSHAKE_GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`, or `None` if the key is not the
/// base64 of 16 bytes.
#[must_use]
pub fn accept_key(key: &[u8]) -> Option<String> {
    let nonce = data_encoding::BASE64.decode(key).ok()?;
    if nonce.len() != 16 {
        return None;
    }
    let digest = Sha1::new().chain_update(key).chain_update(HANDSHAKE_GUID).finalize();
    Some(data_encoding::BASE64.encode(&digest))
}

#[cfg(test)]
mod tests {
    use super::accept_key;

    #[test]
    fn the_answer_to_the_key_of_the_rfc_is_the_one_of_the_rfc() {
        let answer = accept_key(b"dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(answer.as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    #[test]
    fn a_key_of_another_length_or_alphabet_is_refused() {
        for key in ["", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZQ==", "!!!!"] {
            assert_eq!(accept_key(key.as_bytes()), None, "{key}");
        }
    }
}
