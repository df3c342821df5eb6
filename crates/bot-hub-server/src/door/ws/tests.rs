//! Frames as bytes, whole and byte by byte, and what another implementation makes of ours.

use std::io::{Cursor, Read, Write};
use std::rc::Rc;

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use super::*;

const LIMITS: DecodeLimits =
    DecodeLimits { message_bytes_max: 1 << 20, skipped_bytes_max: 0, fragments_max: 4 };
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A client's frame: `first` is the first byte as it stands on the wire.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = text_header(payload.len()).to_vec();
    bytes[0] = first;
    bytes[1] |= 0x80;
    bytes.extend_from_slice(&MASK);
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    mask::unmask(&mut bytes[start..], MASK, 0);
    bytes
}

fn frames(parts: &[(u8, &[u8])]) -> Vec<u8> {
    parts.iter().flat_map(|(first, payload)| frame(*first, payload)).collect()
}

/// Events as text, the violation last.
fn decode_chunks<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
    limits: DecodeLimits,
) -> Vec<String> {
    let mut decoder = Decoder::new(limits);
    let mut seen = Vec::new();
    for chunk in chunks {
        let mut chunk = chunk.to_vec();
        let mut input = Input::new(&mut chunk);
        loop {
            match decoder.next(&mut input) {
                Ok(Some(event)) => seen.push(describe(event)),
                Ok(None) => break,
                Err(violation) => {
                    seen.push(format!("{:?}: {violation:?}", violation.code()));
                    return seen;
                }
            }
        }
    }
    seen
}

fn describe(event: Event<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match event {
        Event::Text(bytes) => format!("text {bytes}"),
        Event::Skipped(it) => {
            format!("skipped {:?} {} {:?}", it.why, it.bytes, it.skim.reference())
        }
        Event::Ping(bytes) => format!("ping {}", text(bytes)),
        Event::Pong(bytes) => format!("pong {}", text(bytes)),
        Event::Close(close) => format!("close {:?} {}", close.code.map(|c| c.0), close.reason),
    }
}

fn check(bytes: &[u8], expected: &[&str]) {
    assert_eq!(decode_chunks([bytes], LIMITS), expected, "in one piece: {bytes:02x?}");
    assert_eq!(decode_chunks(bytes.chunks(1), LIMITS), expected, "byte by byte: {bytes:02x?}");
}

#[test]
fn messages_and_control_frames_are_read() {
    check(&frame(0x81, b"hello"), &["text hello"]);
    check(&frame(0x81, b""), &["text "]);
    check(&frame(0x81, "h\u{e9}\u{1f980}".as_bytes()), &["text h\u{e9}\u{1f980}"]);
    check(&frame(0x89, b"are you there"), &["ping are you there"]);
    check(&frame(0x8a, b""), &["pong "]);
    check(&frame(0x89, &[b'x'; 125]), &[&format!("ping {}", "x".repeat(125))]);
    check(&frames(&[(0x81, b"a"), (0x81, b"b"), (0x89, b"c")]), &["text a", "text b", "ping c"]);
}

#[test]
fn fragments_become_one_message_and_control_frames_may_stand_between_them() {
    check(&frames(&[(0x01, b"hel"), (0x80, b"lo")]), &["text hello"]);
    check(
        &frames(&[(0x01, b"a"), (0x89, b"p"), (0x00, b"b"), (0x80, b"c")]),
        &["ping p", "text abc"],
    );
    check(&frames(&[(0x01, b""), (0x00, b""), (0x80, b""), (0x81, b"x")]), &["text ", "text x"]);
    check(&frames(&[(0x01, b"\xe2\x82"), (0x80, b"\xac")]), &["text \u{20ac}"]);
}

#[test]
fn what_follows_a_close_frame_is_ignored() {
    check(&frames(&[(0x88, b"\x03\xe8bye"), (0x81, b"late")]), &["close Some(1000) bye"]);
    check(&frames(&[(0x88, b""), (0xff, b"noise")]), &["close None "]);
}

#[test]
fn broken_framing_ends_the_connection_with_the_code_of_the_rule() {
    check(&[0x81, 0x05, b'h'], &["CloseCode(1002): Unmasked"]);
    check(&frame(0xc1, b""), &["CloseCode(1002): ReservedBits"]);
    check(&frame(0x83, b""), &["CloseCode(1002): UnknownOpcode"]);
    check(&frame(0x8b, b""), &["CloseCode(1002): UnknownOpcode"]);
    check(&frame(0x09, b""), &["CloseCode(1002): FragmentedControl"]);
    check(&frame(0x89, &[0; 126]), &["CloseCode(1002): LongControl"]);
    check(&frame(0x80, b"x"), &["CloseCode(1002): NothingToContinue"]);
    check(&frames(&[(0x01, b"a"), (0x81, b"b")]), &["CloseCode(1002): Interleaved"]);
    check(&frame(0x82, b"x"), &["CloseCode(1003): Binary"]);
    check(&[0x81, 0xfe, 0x00, 0x7d, 0, 0, 0, 0], &["CloseCode(1002): LongLength"]);
    check(&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], &["CloseCode(1002): LongLength"]);
    check(&[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], &["CloseCode(1002): LongLength"]);
}

#[test]
fn text_that_is_not_utf8_fails_at_its_first_bad_byte() {
    check(&frame(0x81, b"\xff"), &["CloseCode(1007): NotUtf8"]);
    check(&frame(0x81, b"caf\xc3"), &["CloseCode(1007): NotUtf8"]);
    check(&frame(0x81, b"\xed\xa0\x80"), &["CloseCode(1007): NotUtf8"]);
    check(&frames(&[(0x01, b"\xce\xba\xf4\x90"), (0x00, b"")]), &["CloseCode(1007): NotUtf8"]);
    let unfinished = frame(0x81, b"\xce\xba\xf4\x90\x80\x80 and much more to come");
    check(&unfinished[..10], &["CloseCode(1007): NotUtf8"]);
    check(&frames(&[(0x01, b"\xe2\x82"), (0x80, b"")]), &["CloseCode(1007): NotUtf8"]);
}

#[test]
fn bad_close_frames_are_refused() {
    for code in [0u16, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, u16::MAX] {
        check(&frame(0x88, &code.to_be_bytes()), &["CloseCode(1002): BadClose(CloseCode(1002))"]);
    }
    check(&frame(0x88, b"\x03"), &["CloseCode(1002): BadClose(CloseCode(1002))"]);
    check(&frame(0x88, b"\x03\xe8\xff"), &["CloseCode(1007): BadClose(CloseCode(1007))"]);
    for code in [1000u16, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999] {
        check(&frame(0x88, &code.to_be_bytes()), &[&format!("close Some({code}) ")]);
    }
}

#[test]
fn a_length_above_the_limit_is_refused_from_the_header_without_memory() {
    let mut huge = vec![0x81, 0xff];
    huge.extend_from_slice(&(1u64 << 62).to_be_bytes());
    check(&huge, &["CloseCode(1009): TooLarge"]);
    check(&frame(0x81, &vec![b'a'; (1 << 20) + 1])[..14], &["CloseCode(1009): TooLarge"]);

    let mut decoder = Decoder::new(LIMITS);
    let mut header = frame(0x81, &vec![b'a'; 1 << 20]);
    header.truncate(20);
    assert_eq!(decoder.next(&mut Input::new(&mut header)), Ok(None));
    assert!(decoder.held_bytes() <= 16, "only what arrived is kept: {}", decoder.held_bytes());
}

#[test]
fn the_limit_counts_a_message_over_its_fragments_and_empty_fragments_too() {
    let half = vec![b'a'; 1 << 19];
    let whole = "a".repeat(1 << 20);
    let limits = LIMITS;
    let two = frames(&[(0x01, &half), (0x80, &half)]);
    assert_eq!(decode_chunks([&two[..]], limits), [format!("text {whole}")]);
    let three = frames(&[(0x01, &half), (0x00, &half), (0x80, b"a")]);
    assert_eq!(decode_chunks([&three[..]], limits), ["CloseCode(1009): TooLarge"]);
    let empty = frames(&[(0x01, b""), (0x00, b""), (0x00, b""), (0x00, b""), (0x00, b"")]);
    check(&empty, &["CloseCode(1008): TooManyFragments"]);
}

#[test]
fn nothing_is_held_between_messages() {
    let mut decoder = Decoder::new(LIMITS);
    let mut bytes = frames(&[(0x01, &[b'a'; 9000]), (0x80, b"b"), (0x89, b"ping"), (0x81, b"c")]);
    for chunk in bytes.chunks_mut(7) {
        let mut input = Input::new(chunk);
        while decoder.next(&mut input).expect("well formed").is_some() {}
    }
    assert_eq!(decoder.held_bytes(), 0);
}

#[test]
fn close_frames_carry_only_what_they_may() {
    let close = |code, reason: &str| {
        let mut out = Vec::new();
        append_close(&mut out, code, reason);
        out
    };
    assert_eq!(close(None, "ignored"), [0x88, 0]);
    assert_eq!(close(Some(CloseCode(1006)), "ignored"), [0x88, 0]);
    assert_eq!(close(Some(CloseCode::RESTART), "back"), *b"\x88\x06\x03\xf4back");
    let long = close(Some(CloseCode::NORMAL), &"\u{20ac}".repeat(50));
    assert_eq!(long.len(), 2 + 2 + 123, "cut at a character: 41 of three bytes");
}

/// A stream in memory: what is written goes to `out`.
struct Wire {
    incoming: Cursor<Vec<u8>>,
    out: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.incoming.read(buf)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        self.out.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn peer(incoming: Vec<u8>) -> WebSocket<Wire> {
    let wire = Wire { incoming: Cursor::new(incoming), out: Vec::new() };
    WebSocket::from_raw_socket(wire, Role::Client, Some(WebSocketConfig::default()))
}

#[test]
fn another_implementation_reads_what_is_written_and_is_read() {
    for len in [0, 1, 7, 8, 9, 124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537, 300_000] {
        let text: String = ('a'..='z').cycle().take(len).collect();
        let mut out = Vec::new();
        append_text(&mut out, text.as_bytes());
        assert_eq!(out[..out.len() - len], *text_header(len), "{len}");
        append_ping(&mut out, b"7");
        let mut client = peer(out);
        assert_eq!(client.read().expect("a message"), Message::text(text.clone()));
        assert_eq!(client.read().expect("a ping"), Message::Ping("7".into()));

        client.send(Message::text(text.clone())).expect("memory takes everything");
        let sent = client.get_ref().out.clone();
        let expected = ["pong 7".to_owned(), format!("text {text}")];
        let mut seen = decode_chunks(sent.chunks(1000), LIMITS);
        seen.sort();
        assert_eq!(seen, expected, "{len}");
    }
}

/// Frames as they may come: mostly allowed, some not, with text that is sometimes not text.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => Just(0x81u8),
        3 => Just(0x01),
        3 => Just(0x00),
        3 => Just(0x80),
        2 => Just(0x89),
        2 => Just(0x8a),
        1 => Just(0x88),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        4 => ".{0,40}".prop_map(String::into_bytes),
        1 => "a{120,140}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ];
    (first, payload).prop_map(|(first, payload)| frame(first, &payload))
}

proptest! {
    #[test]
    fn any_chunking_of_a_stream_gives_the_same_events(
        parts in proptest::collection::vec(any_frame(), 0..12),
        cuts in proptest::collection::vec(0..400usize, 0..30),
    ) {
        let bytes = parts.concat();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        prop_assert_eq!(decode_chunks(chunks, LIMITS), decode_chunks([&bytes[..]], LIMITS));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        decode_chunks(bytes.chunks(5), LIMITS);
    }

    #[test]
    fn unmasking_in_pieces_is_unmasking_the_whole(
        bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..200usize,
    ) {
        let cut = cut.min(bytes.len());
        let (mut whole, mut pieces) = (bytes.clone(), bytes.clone());
        mask::unmask(&mut whole, MASK, 0);
        mask::unmask(&mut pieces[..cut], MASK, 0);
        mask::unmask(&mut pieces[cut..], MASK, cut);
        prop_assert_eq!(&whole, &pieces);
        for (i, byte) in bytes.iter().enumerate() {
            prop_assert_eq!(whole[i], byte ^ MASK[i % 4]);
        }
    }
}

#[test]
fn a_text_that_is_made_in_place_is_framed_as_one_that_was_there() {
    for len in [0, 1, 125, 126, 300, 0xFFFF, 0x1_0000, 100_000] {
        let text = vec![b'x'; len];
        let (mut copied, mut made) = (b"before".to_vec(), b"before".to_vec());
        append_text(&mut copied, &text);
        append_text_by(&mut made, |out| out.extend_from_slice(&text));
        assert!(made == copied, "{len} bytes");
    }
}

/// Messages of more than 40 bytes are read over, up to 100.
fn check_skipping(bytes: &[u8], room: usize, expected: &[&str]) {
    let limits = DecodeLimits { message_bytes_max: 40, skipped_bytes_max: 100, fragments_max: 9 };
    for piece in [1, 3, 1_000] {
        let mut decoder = Decoder::sharing(limits, Rc::new(Room::of(room)));
        let mut seen = Vec::new();
        for chunk in bytes.chunks(piece) {
            let mut chunk = chunk.to_vec();
            let mut input = Input::new(&mut chunk);
            while let Some(event) = decoder.next(&mut input).transpose() {
                match event {
                    Ok(event) => seen.push(describe(event)),
                    Err(violation) => {
                        seen.push(format!("{violation:?}"));
                        break;
                    }
                }
            }
            assert!(decoder.held_bytes() <= 128, "{}", decoder.held_bytes());
        }
        seen.dedup_by(|one, other| one == other && one == "TooLarge");
        assert_eq!(seen, expected, "in pieces of {piece}");
    }
}

#[test]
fn a_message_that_is_too_large_is_read_over_and_named() {
    let large = br#"{"type":"message","text":"0123456789","id":"m1"}"#;
    let skipped = "skipped TooLarge 48 Some(\"m1\")";
    let (whole, small) = (frame(0x81, large), frame(0x81, b"small"));
    check_skipping(&[whole, small.clone()].concat(), 0, &[skipped, "text small"]);
    let (one, ping) = (frame(0x01, &large[..30]), frame(0x89, b"p"));
    let (two, three) = (frame(0x00, &large[30..40]), frame(0x80, &large[40..]));
    let parts = [one, ping, two, three, small].concat();
    check_skipping(&parts, 0, &["ping p", skipped, "text small"]);
    let endless = [br#"{"id":"m2","text":""#.as_slice(), &[b'x'; 200]].concat();
    let pieces = [frame(0x01, &endless[..90]), frame(0x00, &endless[90..])].concat();
    let limits = DecodeLimits { message_bytes_max: 40, skipped_bytes_max: 100, fragments_max: 9 };
    let mut decoder = Decoder::new(limits);
    let mut bytes = pieces;
    let mut input = Input::new(&mut bytes);
    let Ok(Some(Event::Skipped(skipped))) = decoder.next(&mut input) else { panic!("no event") };
    assert_eq!(skipped.skim.reference().as_deref(), Some("m2"));
    assert_eq!(decoder.next(&mut input), Err(Violation::TooLarge));
}

#[test]
fn large_messages_share_their_room_and_give_it_back() {
    let bytes = 300 << 10;
    let limits =
        DecodeLimits { message_bytes_max: 1 << 20, skipped_bytes_max: 1 << 20, fragments_max: 9 };
    let room = Rc::new(Room::of(60 << 10));
    let large = frame(0x81, &vec![b'x'; bytes]);
    let mut first = Decoder::sharing(limits, Rc::clone(&room));
    let mut second = Decoder::sharing(limits, Rc::clone(&room));
    let feed = |decoder: &mut Decoder, bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        match decoder.next(&mut Input::new(&mut bytes)) {
            Ok(Some(Event::Text(text))) => Some(format!("text of {}", text.len())),
            Ok(Some(Event::Skipped(skipped))) => Some(format!("{:?}", skipped.why)),
            other => other.map(|_| None).expect("no violation"),
        }
    };
    let (begin, end) = large.split_at(1_000);
    assert_eq!(feed(&mut first, begin), None);
    assert_eq!(feed(&mut second, begin), None);
    assert_eq!(feed(&mut second, end).as_deref(), Some("NoRoom"));
    assert_eq!(feed(&mut first, end).as_deref(), Some("text of 307200"));
    // Freed with the next thing that arrives.
    assert_eq!(feed(&mut first, &[]), None);
    assert_eq!(feed(&mut second, begin), None);
    assert_eq!(feed(&mut second, end).as_deref(), Some("text of 307200"));
}
