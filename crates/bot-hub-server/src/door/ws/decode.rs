//! Decodes frames of a peer. The first violation of the protocol is final.
//!
//! A message that is too large is skipped if the limits allow it, so that its sender can be told which one
//! it was. The memory of a [`Decoder`] between two calls is bounded by [`DecodeLimits`] and by bytes that
//! really arrived, never by a claimed length; between two messages it keeps nothing.

use std::rc::Rc;

use super::skip::{Refusal, Room, Share, Skipped};
use super::utf8::Utf8Check;
use super::{CONTROL_BYTES_MAX, CloseFrame, Violation, mask, opcode};

/// A masked header is at most 2 + 8 + 4 bytes.
const HEADER_BYTES_MAX: usize = 14;

/// A frame that claims to be this many times larger than what is skipped is no mistake, and is not skipped
/// at all.
const CLAIM_FACTOR: usize = 16;

/// How much a peer may make the decoder keep.
#[derive(Clone, Copy, Debug)]
pub struct DecodeLimits {
    /// Bytes of text in one message, over all its fragments.
    pub message_bytes_max: usize,
    /// Larger messages up to this size are skipped and reported; with 0 they end the connection at once.
    pub skipped_bytes_max: usize,
    /// The most fragments of one message. Empty ones count, because they cost as much.
    pub fragments_max: u32,
}

/// What a peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// One whole message.
    Text(&'a str),
    /// A message that was too large. If it exceeds the limit for skipping as well, a violation follows.
    Skipped(&'a Skipped),
    /// A ping, to be answered with the same payload.
    Ping(&'a [u8]),
    /// An answer to a ping, or a peer's sign of life.
    Pong(&'a [u8]),
    /// The last frame of the peer; everything after it is ignored.
    Close(CloseFrame<'a>),
}

/// Received bytes, consumed from the front and unmasked in place.
#[derive(Debug)]
pub struct Input<'b>(&'b mut [u8]);

impl<'b> Input<'b> {
    /// All of `bytes`, nothing consumed.
    #[must_use]
    pub fn new(bytes: &'b mut [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes that are not consumed yet, as they arrived.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.0
    }

    fn take(&mut self, len_max: usize) -> &'b mut [u8] {
        let bytes = std::mem::take(&mut self.0);
        let (taken, rest) = bytes.split_at_mut(len_max.min(bytes.len()));
        self.0 = rest;
        taken
    }
}

/// The state between two reads.
#[derive(Debug)]
pub struct Decoder {
    limits: DecodeLimits,
    /// A partly received header.
    header: [u8; HEADER_BYTES_MAX],
    header_len: u8,
    /// The frame whose payload is arriving.
    frame: Option<Frame>,
    /// Payload of the control frame that is arriving; they may come between fragments.
    control: Vec<u8>,
    /// Text of the message that is arriving.
    message: Vec<u8>,
    /// Fragments of that message so far; 0 means that none is open.
    fragments: u32,
    utf8: Utf8Check,
    /// The message that is being skipped.
    skipped: Option<Box<Skipped>>,
    share: Share,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Closed,
    Broken(Violation),
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    is_final: bool,
    opcode: u8,
    mask: [u8; 4],
    len: usize,
    /// How many bytes of the payload were consumed.
    done: usize,
}

impl Frame {
    const fn is_control(self) -> bool {
        self.opcode >= opcode::CLOSE
    }
}

/// A complete frame, before an event borrows from it.
enum Finished<'b> {
    Text(&'b str),
    KeptText,
    Skipped,
    Control(u8, &'b [u8]),
    KeptControl(u8),
}

impl Decoder {
    /// A decoder at the start of a connection.
    #[must_use]
    pub fn new(limits: DecodeLimits) -> Self {
        Self::sharing(limits, Rc::default())
    }

    /// The same, sharing memory for large messages with other decoders.
    #[must_use]
    pub fn sharing(limits: DecodeLimits, room: Rc<Room>) -> Self {
        Self {
            limits,
            header: [0; HEADER_BYTES_MAX],
            header_len: 0,
            frame: None,
            control: Vec::new(),
            message: Vec::new(),
            fragments: 0,
            utf8: Utf8Check::default(),
            skipped: None,
            share: Share::of(room),
            end: None,
        }
    }

    /// Sets the limits for frames whose header has not been read yet.
    pub fn set_limits(&mut self, limits: DecodeLimits) {
        self.limits = limits;
    }

    /// The bytes of memory held for partly received data.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.message.capacity() + self.control.capacity()
    }

    /// The next event in `input`, or `None` when it is consumed.
    ///
    /// # Errors
    /// The first rule that the peer broke. It is final: every later call repeats it.
    pub fn next<'e, 'b: 'e>(
        &'e mut self,
        input: &mut Input<'b>,
    ) -> Result<Option<Event<'e>>, Violation> {
        match self.end {
            Some(End::Broken(violation)) => return Err(violation),
            Some(End::Closed) => {
                input.take(usize::MAX);
                return Ok(None);
            }
            None => self.let_go(),
        }
        let finished = self.advance(input).inspect_err(|v| self.end = Some(End::Broken(*v)))?;
        Ok(match finished {
            None => None,
            Some(Finished::Text(text)) => Some(Event::Text(text)),
            Some(Finished::KeptText) => {
                let text = std::str::from_utf8(&self.message);
                Some(Event::Text(text.expect("its pieces were checked as they arrived")))
            }
            Some(Finished::Skipped) => self.skipped.as_deref().map(Event::Skipped),
            Some(Finished::Control(opcode, payload)) => {
                Some(control(&mut self.end, opcode, payload)?)
            }
            Some(Finished::KeptControl(opcode)) => {
                Some(control(&mut self.end, opcode, &self.control)?)
            }
        })
    }

    /// Frees what the previous event borrowed.
    fn let_go(&mut self) {
        if self.fragments == 0 && !self.is_inside_text() {
            self.skipped = None;
            self.share.give_back();
            if self.message.capacity() > 0 {
                self.message = Vec::new();
            }
        }
        if self.control.capacity() > 0 && !self.frame.is_some_and(Frame::is_control) {
            self.control = Vec::new();
        }
    }

    fn is_inside_text(&self) -> bool {
        self.frame.is_some_and(|frame| !frame.is_control())
    }

    /// Consumes input until a message or a control frame is complete.
    fn advance<'b>(&mut self, input: &mut Input<'b>) -> Result<Option<Finished<'b>>, Violation> {
        loop {
            let frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.read_header(input)? {
                    Some(frame) => {
                        self.admit(frame);
                        frame
                    }
                    None => return Ok(None),
                },
            };
            let piece = input.take(frame.len - frame.done);
            mask::unmask(piece, frame.mask, frame.done);
            let left = frame.len - frame.done - piece.len();
            if left > 0 {
                self.frame = Some(Frame { done: frame.len - left, ..frame });
                self.keep(frame, piece)?;
                return Ok(self.has_skipped_too_much().then_some(Finished::Skipped));
            }
            if let Some(finished) = self.finish(frame, piece)? {
                return Ok(Some(finished));
            }
        }
    }

    /// Handles the last piece of a frame. `None` if more fragments follow.
    fn finish<'b>(
        &mut self,
        frame: Frame,
        piece: &'b [u8],
    ) -> Result<Option<Finished<'b>>, Violation> {
        let is_whole = frame.done == 0;
        if frame.is_control() {
            if is_whole {
                return Ok(Some(Finished::Control(frame.opcode, piece)));
            }
            self.control.extend_from_slice(piece);
            return Ok(Some(Finished::KeptControl(frame.opcode)));
        }
        if self.skipped.is_some() {
            self.keep(frame, piece)?;
            self.fragments = if frame.is_final { 0 } else { self.fragments + 1 };
            let is_over = frame.is_final || self.has_skipped_too_much();
            return Ok(is_over.then_some(Finished::Skipped));
        }
        if is_whole && frame.is_final && self.fragments == 0 {
            let text = std::str::from_utf8(piece).map_err(|_| Violation::NotUtf8)?;
            return Ok(Some(Finished::Text(text)));
        }
        self.keep(frame, piece)?;
        if !frame.is_final {
            self.fragments += 1;
            return Ok(None);
        }
        self.utf8.finish()?;
        self.fragments = 0;
        Ok(Some(Finished::KeptText))
    }

    fn keep(&mut self, frame: Frame, piece: &[u8]) -> Result<(), Violation> {
        if frame.is_control() {
            self.control.extend_from_slice(piece);
            return Ok(());
        }
        if let Some(skipped) = &mut self.skipped {
            skipped.read(piece);
            return Ok(());
        }
        self.utf8.feed(piece)?;
        self.message.extend_from_slice(piece);
        Ok(())
    }

    /// Skips the message from here on if it will not fit.
    fn admit(&mut self, frame: Frame) {
        if frame.is_control() || self.skipped.is_some() {
            return;
        }
        let bytes = self.message.len().saturating_add(frame.len);
        let why = if bytes > self.limits.message_bytes_max {
            Refusal::TooLarge
        } else if !self.share.admits(bytes) {
            Refusal::NoRoom
        } else {
            return;
        };
        self.skipped = Some(Skipped::new(why, &self.message));
        self.message = Vec::new();
        self.utf8 = Utf8Check::default();
        self.share.give_back();
    }

    /// Whether the skipped message exceeds every plausible mistake. The connection ends then.
    fn has_skipped_too_much(&mut self) -> bool {
        let bytes = self.skipped.as_ref().map_or(0, |skipped| skipped.bytes);
        let is_over = bytes > self.limits.skipped_bytes_max;
        if is_over {
            self.end = Some(End::Broken(Violation::TooLarge));
        }
        is_over
    }

    fn read_header(&mut self, input: &mut Input<'_>) -> Result<Option<Frame>, Violation> {
        if self.header_len == 0
            && let Some((frame, len)) = self.parse_header(input.rest())?
        {
            input.take(len);
            return Ok(Some(frame));
        }
        while let [byte] = *input.take(1) {
            self.header[usize::from(self.header_len)] = byte;
            self.header_len += 1;
            let arrived = self.header;
            if let Some((frame, _)) = self.parse_header(&arrived[..usize::from(self.header_len)])? {
                self.header_len = 0;
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// The frame that starts with `bytes` and the length of its header; `None` if more bytes are needed.
    /// Refuses an invalid frame as early as possible.
    fn parse_header(&self, bytes: &[u8]) -> Result<Option<(Frame, usize)>, Violation> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let frame = Frame {
            is_final: first & 0x80 != 0,
            opcode: first & 0x0F,
            mask: [0; 4],
            len: 0,
            done: 0,
        };
        self.check_kind(frame, *first, *second)?;
        let Some((len, len_bytes)) = parse_len(second & 0x7F, rest)? else { return Ok(None) };
        self.check_len(frame, len)?;
        let Some(mask) = rest[len_bytes..].first_chunk::<4>() else { return Ok(None) };
        let len = usize::try_from(len).map_err(|_| Violation::TooLarge)?;
        Ok(Some((Frame { mask: *mask, len, ..frame }, 2 + len_bytes + 4)))
    }

    fn check_kind(&self, frame: Frame, first: u8, second: u8) -> Result<(), Violation> {
        if first & 0x70 != 0 {
            return Err(Violation::ReservedBits);
        }
        if second & 0x80 == 0 {
            return Err(Violation::Unmasked);
        }
        match frame.opcode {
            opcode::CLOSE | opcode::PING | opcode::PONG if !frame.is_final => {
                Err(Violation::FragmentedControl)
            }
            opcode::CLOSE | opcode::PING | opcode::PONG => Ok(()),
            opcode::CONTINUATION if self.fragments == 0 => Err(Violation::NothingToContinue),
            opcode::TEXT | opcode::BINARY if self.fragments > 0 => Err(Violation::Interleaved),
            opcode::BINARY => Err(Violation::Binary),
            opcode::CONTINUATION | opcode::TEXT => Ok(()),
            _ => Err(Violation::UnknownOpcode),
        }
    }

    fn check_len(&self, frame: Frame, len: u64) -> Result<(), Violation> {
        if frame.is_control() {
            let fits = len <= CONTROL_BYTES_MAX as u64;
            return if fits { Ok(()) } else { Err(Violation::LongControl) };
        }
        if self.fragments >= self.limits.fragments_max {
            return Err(Violation::TooManyFragments);
        }
        let room = self.limits.message_bytes_max.saturating_sub(self.message.len());
        let claim_max = room.max(CLAIM_FACTOR * self.limits.skipped_bytes_max);
        if len > claim_max as u64 { Err(Violation::TooLarge) } else { Ok(()) }
    }
}

/// The payload length, and how many bytes after the first two encode it.
fn parse_len(short: u8, rest: &[u8]) -> Result<Option<(u64, usize)>, Violation> {
    let (len, len_bytes, shortest) = match short {
        126 => {
            let Some(bytes) = rest.first_chunk::<2>() else { return Ok(None) };
            (u64::from(u16::from_be_bytes(*bytes)), 2, 126)
        }
        127 => {
            let Some(bytes) = rest.first_chunk::<8>() else { return Ok(None) };
            (u64::from_be_bytes(*bytes), 8, 0x1_0000)
        }
        short => (u64::from(short), 0, 0),
    };
    if len < shortest || len > i64::MAX as u64 {
        return Err(Violation::LongLength);
    }
    Ok(Some((len, len_bytes)))
}

fn control<'e>(
    end: &mut Option<End>,
    opcode: u8,
    payload: &'e [u8],
) -> Result<Event<'e>, Violation> {
    match opcode {
        opcode::PING => Ok(Event::Ping(payload)),
        opcode::PONG => Ok(Event::Pong(payload)),
        _ => match CloseFrame::parse(payload) {
            Ok(close) => {
                *end = Some(End::Closed);
                Ok(Event::Close(close))
            }
            Err(code) => {
                *end = Some(End::Broken(Violation::BadClose(code)));
                Err(Violation::BadClose(code))
            }
        },
    }
}
