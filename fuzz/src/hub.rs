//! What must hold for everything that the hub reads from strangers.

use std::net::IpAddr;

use bot_hub_server::config::{PublicUrl, Sources, load_bytes};
use bot_hub_server::door::ws::{DecodeLimits, Decoder, Event, Input};
use bot_protocol::frame::{ClientFrame, ServerFrame};
use bot_protocol::id::{Epoch, Position};
use bot_protocol::limits::Limits;
use hyper::HeaderMap;

use bot_hub_server::net::Network;

use crate::forwarded_source::client_address;
use crate::grow::{self, Seeds};

/// A frame of a client is understood or refused; what is understood says the same when it is written and read again.
pub fn client_frame(data: &[u8]) {
    client_text(data);
    let fields = [
        "room",
        "to",
        "text",
        "id",
        "reply_to",
        "thread",
        "expires_at",
        "act",
        "meta",
        "state",
        "seq",
        "reason",
        "reply",
        "note",
        "before",
        "after",
        "limit",
        "from",
        "at",
        "token",
        "client",
        "caps",
        "resume",
        "side",
        "ref",
        "do",
        "type",
        "unknown",
    ];
    client_text(grow::frame(&mut Seeds::new(data), ClientFrame::KINDS, &fields).as_bytes());
}

fn client_text(json: &[u8]) {
    let limits = Limits::default();
    match ClientFrame::decode(json, &limits) {
        Ok(frame) => {
            let again = ClientFrame::decode(frame.encode().as_bytes(), &limits);
            assert_eq!(again.as_ref(), Ok(&frame), "{}", String::from_utf8_lossy(json));
        }
        Err(error) => {
            assert!(!error.message.is_empty());
            assert!(error.reference.is_none_or(|it| it.chars().count() <= 64), "an echo");
        }
    }
}

/// The same for a frame of a hub, which a client reads.
pub fn server_frame(data: &[u8]) {
    server_text(data);
    let fields = [
        "room",
        "bot",
        "from",
        "text",
        "id",
        "seq",
        "prev",
        "sent_at",
        "reply_to",
        "thread",
        "expires_at",
        "act",
        "meta",
        "hops",
        "age_ms",
        "redelivered",
        "backlog",
        "lost",
        "delivered",
        "queued",
        "duplicate",
        "dropped",
        "state",
        "at",
        "reason",
        "reply",
        "members",
        "position",
        "policy",
        "caps",
        "limits",
        "epoch",
        "now",
        "rooms",
        "bots",
        "entries",
        "has_more",
        "corrupt",
        "recipients",
        "from_seq",
        "to_seq",
        "reconnect_in_ms",
        "code",
        "name",
        "message",
        "hint",
        "retry",
        "retry_after_ms",
        "ref",
        "result",
        "hub",
        "since",
        "note",
    ];
    let types = [
        "auth_ok",
        "joined",
        "left",
        "message",
        "ack",
        "receipt",
        "presence",
        "typing",
        "history",
        "status",
        "rooms",
        "who",
        "gap",
        "going_away",
        "error",
        "ping",
        "pong",
        "operated",
        "news",
    ];
    server_text(grow::frame(&mut Seeds::new(data), &types, &fields).as_bytes());
}

fn server_text(json: &[u8]) {
    if let Ok(Some(frame)) = ServerFrame::decode(json) {
        let written = serde_json::to_vec(&frame).expect("a frame can be written");
        let again = ServerFrame::decode(&written).expect("and read again");
        assert_eq!(again.as_ref(), Some(&frame), "{}", String::from_utf8_lossy(json));
    }
}

/// Positions that a client claims to know: read exactly, or refused.
pub fn resume(data: &[u8]) {
    let positions = grow::resume(&mut Seeds::new(data));
    client_text(format!("{{\"type\":\"auth\",\"token\":\"t\",\"resume\":{positions}}}").as_bytes());
    let text = String::from_utf8_lossy(data);
    if let Ok(epoch) = text.parse::<Epoch>() {
        assert_eq!(epoch.to_string().parse(), Ok(epoch));
        let position = Position { epoch, seq: u64::MAX };
        let json = serde_json::to_string(&position).expect("two plain fields");
        assert_eq!(serde_json::from_str::<Position>(&json).ok(), Some(position));
    }
}

/// Any file is a configuration or is refused with mistakes that have a place in it and say what to do.
pub fn config(data: &[u8]) {
    config_bytes(data);
    config_bytes(grow::config(&mut Seeds::new(data)).as_bytes());
}

fn config_bytes(bytes: &[u8]) {
    let Err(refused) = load_bytes("fuzz.json5", bytes, &Sources::default()) else { return };
    assert!(!refused.errors.is_empty());
    let lines = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
        + bytes.iter().filter(|&&byte| byte == b'\r').count() as u64
        + String::from_utf8_lossy(bytes).matches(['\u{2028}', '\u{2029}']).count() as u64
        + 1;
    for problem in &refused.errors {
        assert!(!problem.message.is_empty() && !problem.hint.is_empty(), "{problem:?}");
        let line = problem.origin.place.map_or(1, |place| u64::from(place.line));
        assert!((1..=lines).contains(&line), "{problem:?} of {lines} lines");
    }
}

/// An address is taken from `X-Forwarded-For` only as far as trusted proxies vouch for it.
pub fn forwarded(data: &[u8]) {
    let mut seeds = Seeds::new(data);
    let trusted: Vec<Network> = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"]
        .iter()
        .map(|network| network.parse().expect("a network"))
        .collect();
    let peer: IpAddr = seeds
        .pick(&["10.1.2.3", "127.0.0.1", "::ffff:10.0.0.1", "192.0.2.1", "fd00::1"])
        .parse()
        .expect("an address");
    let mut headers = HeaderMap::new();
    let mut hops = Vec::new();
    while !seeds.is_over() {
        let mut line = Vec::new();
        for _ in 0..=seeds.byte() % 3 {
            line.push(seeds.pick(&[
                "10.9.9.9",
                "192.0.2.7",
                "198.51.100.1:443",
                "[2001:db8::1]:5",
                "fd00::2",
                "2001:db8::9",
                "unknown",
                "",
                "127.0.0.1",
                " 10.0.0.1 ",
                "1.2.3.4.5",
                "::ffff:192.0.2.9",
                "_hidden",
            ]));
        }
        let line = line.join(",");
        headers.append("x-forwarded-for", line.parse().expect("a header"));
        hops.extend(line.split(',').map(|hop| hop.trim().to_owned()));
    }
    let found = client_address(peer, &headers, &trusted);
    assert_eq!(found, nearest_untrusted(peer, &hops, &trusted), "{peer} {hops:?}");
    // Bytes that are no text vouch for nobody.
    if let Ok(raw) = hyper::header::HeaderValue::from_bytes(data) {
        let is_text = raw.to_str().is_ok();
        headers.append("x-forwarded-for", raw);
        let found = client_address(peer, &headers, &trusted);
        assert!(is_text || found == peer.to_canonical(), "{peer} {data:?}");
    }
}

/// The rule in other words: from the right, the first that no trusted proxy has written about.
fn nearest_untrusted(peer: IpAddr, hops: &[String], trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let address = |hop: &str| -> Option<IpAddr> {
        let socket = hop.parse::<std::net::SocketAddr>().map(|it| it.ip());
        hop.parse().ok().or(socket.ok())
    };
    let mut chain = vec![peer.to_canonical()];
    chain.extend(hops.iter().rev().map_while(|hop| address(hop)).map(|it| it.to_canonical()));
    let last = *chain.last().expect("the peer is in it");
    chain.into_iter().find(|&it| !is_trusted(it)).unwrap_or(last)
}

/// However the bytes are cut, the same messages come out, and no more is held than arrived and is allowed.
pub fn websocket(data: &[u8]) {
    stream(data);
    stream(&grow::stream(&mut Seeds::new(data)));
}

fn stream(bytes: &[u8]) {
    let whole = decode(bytes, bytes.len().max(1));
    for piece in [1, 2, 7, 100] {
        assert_eq!(decode(bytes, piece), whole, "in pieces of {piece}");
    }
}

const LIMITS: DecodeLimits =
    DecodeLimits { message_bytes_max: 70_000, skipped_bytes_max: 1 << 20, fragments_max: 20 };

fn decode(bytes: &[u8], piece: usize) -> Vec<String> {
    let mut decoder = Decoder::new(LIMITS);
    let mut seen = Vec::new();
    for chunk in bytes.chunks(piece) {
        let mut chunk = chunk.to_vec();
        let mut input = Input::new(&mut chunk);
        loop {
            match decoder.next(&mut input) {
                Ok(Some(Event::Text(text))) => {
                    assert!(text.len() <= LIMITS.message_bytes_max);
                    seen.push(format!("text {text}"));
                }
                Ok(Some(other)) => seen.push(format!("{other:?}")),
                Ok(None) => break,
                Err(violation) => {
                    seen.push(format!("{violation:?}"));
                    return seen;
                }
            }
        }
        // A vector doubles when it grows.
        assert!(
            decoder.held_bytes() <= 2 * (LIMITS.message_bytes_max + 125) + 64,
            "{}",
            decoder.held_bytes()
        );
    }
    seen
}

/// An address for the world has one form, and that form means itself.
pub fn public_url(data: &[u8]) {
    let mut seeds = Seeds::new(data);
    let parts = [
        "https://",
        "http://",
        "wss://",
        "hub",
        ".",
        "example",
        "[::1]",
        "127.0.0.1",
        ":",
        "443",
        "80",
        "65536",
        "/",
        "?token=x",
        "user@",
        "ü",
        "*",
        "HTTPS://",
        "%41",
        " ",
        "0.0.0.0",
        "xn--bcher-kva",
        "-",
    ];
    let mut url = String::new();
    while !seeds.is_over() && url.len() < 300 {
        url.push_str(seeds.pick(&parts));
    }
    for text in [url, String::from_utf8_lossy(data).into_owned()] {
        if let Ok(parsed) = text.parse::<PublicUrl>() {
            let shown = parsed.to_string();
            assert_eq!(shown.parse::<PublicUrl>().as_ref(), Ok(&parsed), "{text}");
            assert!(!shown.contains(['@', '?', ' ']), "{text} became {shown}");
        }
    }
}
