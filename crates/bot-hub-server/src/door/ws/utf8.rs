//! UTF-8 checked piece by piece, so that a message fails at its first bad byte and not at its end.
//!
//! Owns the characters that are split between two pieces. Never keeps the text.

/// What of a message's text has been checked so far.
#[derive(Debug, Default)]
pub(super) struct Utf8Check {
    /// The beginning of a character whose rest has not arrived; at most three bytes.
    begun: [u8; 4],
    begun_len: u8,
}

/// The text is not UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotUtf8;

impl Utf8Check {
    /// Checks the next piece of the same message.
    pub(super) fn feed(&mut self, mut piece: &[u8]) -> Result<(), NotUtf8> {
        while self.begun_len > 0 {
            let Some((first, rest)) = piece.split_first() else { return Ok(()) };
            piece = rest;
            self.extend_begun(*first)?;
        }
        let Err(error) = std::str::from_utf8(piece) else { return Ok(()) };
        if error.error_len().is_some() {
            return Err(NotUtf8);
        }
        let tail = &piece[error.valid_up_to()..];
        self.begun[..tail.len()].copy_from_slice(tail);
        self.begun_len =
            u8::try_from(tail.len()).expect("an unfinished character has at most three bytes");
        Ok(())
    }

    /// Ends the message: a character that is still unfinished makes it bad.
    pub(super) fn finish(&mut self) -> Result<(), NotUtf8> {
        let unfinished = std::mem::take(self).begun_len > 0;
        if unfinished { Err(NotUtf8) } else { Ok(()) }
    }

    fn extend_begun(&mut self, byte: u8) -> Result<(), NotUtf8> {
        let len = usize::from(self.begun_len);
        self.begun[len] = byte;
        match std::str::from_utf8(&self.begun[..=len]) {
            Ok(_) => self.begun_len = 0,
            Err(error) if error.error_len().is_none() => self.begun_len += 1,
            Err(_) => return Err(NotUtf8),
        }
        Ok(())
    }
}
