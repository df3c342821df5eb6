//! Frames that break rules, or keep them and are too many.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use bot_hub_proof::peer::{Failure, Peer};
use bot_hub_proof::wire::{Heard, first, frame, header};
use serde_json::json;

use crate::stage::{Case, Damage, Stage, case, endings, expect_codes};

pub const CASES: &[Case] = &[
    case("broken frames of six kinds", "RFC 6455: 1002, 1003, 1007", broken),
    case(
        "200 frames that claim 2^62 bytes",
        "`limits.frameBytes`, 1009: nothing is reserved for a claim",
        claims,
    ),
    Case {
        growth_mib_max: 120,
        ..case(
            "200 messages of 250 KB that never end",
            "`limits.frameBytes` × connections: what arrived is kept",
            unfinished,
        )
    },
    case("a message of 17 MB", "read over up to 16 MiB, then 1009", oversize),
    case(
        "a message in 300,000 fragments of one byte",
        "`limits.fragmentsPerMessage` (1,024), 1008",
        tiny_fragments,
    ),
    case(
        "a message in 1,000,000 empty fragments",
        "`limits.fragmentsPerMessage`, 1008",
        empty_fragments,
    ),
    case("1,000,000 pings", "`limits.controlFramesPerSecond` (10; 64 at once), 1008", pings),
    case(
        "4,000,000 pings whose pongs are never read",
        "the same, and one pong is owed at most",
        unread_pings,
    ),
    case("1,000,000 pongs that nobody asked for", "`limits.controlFramesPerSecond`, 1008", pongs),
    case(
        "200 frames of 200,000 brackets",
        "`limits.jsonDepth` (32): refused, and the connection lives",
        depth,
    ),
    case(
        "200,000 frames that are not JSON, answers unread",
        "`limits.outboxBytes` (512 KiB)",
        garbage,
    ),
    Case {
        growth_mib_max: 300,
        ..case(
            "16,000 questions at once over 40 connections",
            "`limits.outboxBytes`, 4008; 256 KiB a page, 1,024 answers on their way",
            many_questions,
        )
    },
    case(
        "questions without end, answers unread",
        "`limits.outboxBytes`, 256 KiB a page",
        questions,
    ),
];

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(120);

fn io(error: std::io::Error) -> Failure {
    error.to_string()
}

fn broken(stage: &Stage) -> Result<Damage, Failure> {
    let kinds: [(&[u8], u16); 6] = [
        (b"\x81\x05hello", 1002),
        (&frame(0xC1, b"x"), 1002),
        (&frame(0x83, b"x"), 1002),
        (&frame(0x09, b""), 1002),
        (&frame(first::BINARY, b"x"), 1003),
        (&frame(first::TEXT, b"\xed\xa0\x80"), 1007),
    ];
    let mut closed = Vec::new();
    for (bytes, code) in kinds {
        let mut peer = stage.aside()?;
        let start = Instant::now();
        peer.socket.write(bytes).map_err(io)?;
        let ends = endings(vec![peer], start, LONG)?;
        expect_codes(&ends, &[code])?;
        closed.extend(ends);
    }
    Ok(Damage { closed, ..Damage::default() })
}

fn claims(stage: &Stage) -> Result<Damage, Failure> {
    let mut peers = Vec::new();
    let start = Instant::now();
    for _ in 0..200 {
        let mut peer = stage.aside()?;
        peer.socket.write(&header(first::TEXT, 1 << 62)).map_err(io)?;
        peers.push(peer);
    }
    let closed = endings(peers, start, LONG)?;
    expect_codes(&closed, &[1009])?;
    Ok(Damage { closed, ..Damage::default() })
}

fn unfinished(stage: &Stage) -> Result<Damage, Failure> {
    let mut peers = Vec::new();
    for _ in 0..200 {
        let mut peer = stage.aside()?;
        peer.socket.write(&frame(first::TEXT, &[b'x'; 250_000])[..249_000]).map_err(io)?;
        peers.push(peer);
    }
    std::thread::sleep(Duration::from_secs(1));
    let open = peers.len();
    drop(peers);
    Ok(Damage::note(format!("{open} kept, 50 MB; afterwards the allocator keeps it for the next")))
}

fn oversize(stage: &Stage) -> Result<Damage, Failure> {
    let mut peer = stage.aside()?;
    let start = Instant::now();
    drop(peer.socket.write(&frame(first::TEXT, &vec![b'x'; 17 << 20])));
    let closed = endings(vec![peer], start, LONG)?;
    expect_codes(&closed, &[1009])?;
    Ok(Damage { closed, ..Damage::default() })
}

/// Writes `unit` so many times, as long as the hub takes it; then how it ended.
fn flood(
    mut peer: Peer,
    before: &[u8],
    unit: &[u8],
    times: usize,
    codes: &[u16],
) -> Result<Damage, Failure> {
    let start = Instant::now();
    peer.socket.write(before).map_err(io)?;
    // Long enough for a hub that stops reading, short enough for one that never does.
    peer.socket.set_write_timeout(Duration::from_secs(40)).map_err(io)?;
    let chunk = unit.repeat(1_000);
    let mut sent = 0;
    while sent < times {
        match peer.socket.write(&chunk) {
            Ok(()) => sent += 1_000,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err("the hub neither reads nor hangs up".to_owned());
            }
            Err(_) => break,
        }
    }
    let closed = endings(vec![peer], start, LONG)?;
    expect_codes(&closed, codes)?;
    Ok(Damage { closed, note: format!("{sent} written") })
}

fn tiny_fragments(stage: &Stage) -> Result<Damage, Failure> {
    flood(stage.aside()?, &frame(0x01, b"x"), &frame(0x00, b"x"), 300_000, &[1008, 0])
}

fn empty_fragments(stage: &Stage) -> Result<Damage, Failure> {
    flood(stage.aside()?, &frame(0x01, b""), &frame(0x00, b""), 1_000_000, &[1008, 0])
}

fn pings(stage: &Stage) -> Result<Damage, Failure> {
    let mut peer = stage.aside()?;
    let start = Instant::now();
    for sent in 0..1_000 {
        if peer.socket.write(&frame(first::PING, b"hello").repeat(1_000)).is_err() {
            let closed = endings(vec![peer], start, LONG)?;
            expect_codes(&closed, &[1008, 0])?;
            return Ok(Damage { closed, note: format!("{sent},000 written") });
        }
        // It reads what there is, without waiting.
        loop {
            match peer.socket.hear(Duration::from_millis(1)) {
                Ok(Heard::Pong(_)) => {}
                Ok(Heard::Close(code, _)) => {
                    expect_codes(&[(code, start.elapsed())], &[1008])?;
                    let closed = vec![(code, start.elapsed())];
                    return Ok(Damage { closed, note: format!("{sent},000 written before") });
                }
                _ => break,
            }
        }
    }
    Err("a million pings were answered".to_owned())
}

fn unread_pings(stage: &Stage) -> Result<Damage, Failure> {
    flood(stage.aside()?, b"", &frame(first::PING, &[b'p'; 125]), 4_000_000, &[1008, 0])
}

fn pongs(stage: &Stage) -> Result<Damage, Failure> {
    flood(stage.aside()?, b"", &frame(first::PONG, b"unasked"), 1_000_000, &[1008, 0])
}

fn depth(stage: &Stage) -> Result<Damage, Failure> {
    let mut peer = stage.aside()?;
    peer.join("deep")?;
    let brackets = "[".repeat(100_000);
    let shapes = [
        format!(
            r#"{{"type":"message","room":"deep","text":"x","meta":{brackets}{}}}"#,
            brackets.replace('[', "]")
        ),
        format!(r#"{{"type":"message","room":"deep","text":"x","meta":{brackets}"#),
        format!(
            r#"{{"type":"ping","unknown":{}1{}}}"#,
            r#"{"a":"#.repeat(30_000),
            "}".repeat(30_000)
        ),
        brackets.repeat(2),
    ];
    for round in 0..50 {
        for shape in &shapes {
            peer.say_text(shape)?;
            let answer = peer.hear()?;
            if answer["type"] != "error" {
                return Err(format!("round {round}: answered with {answer}"));
            }
        }
    }
    peer.post("deep", "still here")?;
    Ok(Damage::note("all refused".to_owned()))
}

/// Says `text` until the hub takes no more, reads nothing, and waits for the end.
fn never_reads(stage: &Stage, mut peer: Peer, text: &str, times: usize) -> Result<Damage, Failure> {
    let start = Instant::now();
    let chunk = frame(first::TEXT, text.as_bytes()).repeat(100);
    peer.socket.set_write_timeout(Duration::from_secs(stage.waits.stall * 3 + 20)).map_err(io)?;
    let mut sent = 0;
    let mut cut = None;
    while sent < times {
        match peer.socket.write(&chunk) {
            Ok(()) => sent += 100,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err("the hub neither reads nor hangs up".to_owned());
            }
            Err(_) => {
                cut = Some(start.elapsed());
                break;
            }
        }
    }
    let Some(after) = cut else {
        return Err(format!("all {sent} were taken, and nothing was read"));
    };
    // What it was told is behind everything that it has not read.
    let code = endings(vec![peer], start, LONG)?[0].0;
    expect_codes(&[(code, after)], &[4008, 0])?;
    let closed = vec![(code, after)];
    Ok(Damage { closed, note: format!("{sent} written") })
}

fn garbage(stage: &Stage) -> Result<Damage, Failure> {
    never_reads(stage, stage.aside()?, "{\"type\":", 2_000_000)
}

fn questions(stage: &Stage) -> Result<Damage, Failure> {
    let mut peer = stage.evil(0)?;
    peer.join("long")?;
    for _ in 0..100 {
        peer.post("long", &"x".repeat(4_096))?;
    }
    let question = json!({"type": "history", "room": "long", "limit": 100}).to_string();
    never_reads(stage, peer, &question, 1_000_000)
}

/// Many ask at once for as much as one answer holds, and read what they get.
fn many_questions(stage: &Stage) -> Result<Damage, Failure> {
    let mut asker = stage.evil(0)?;
    asker.join("long")?;
    for _ in 0..100 {
        asker.post("long", &"x".repeat(4_096))?;
    }
    let question = json!({"type": "history", "room": "long", "limit": 100}).to_string();
    let batch = frame(first::TEXT, question.as_bytes()).repeat(400);
    let start = Instant::now();
    let mut peers = Vec::new();
    for _ in 0..40 {
        let mut peer = stage.aside()?;
        peer.socket.write(&batch).map_err(io)?;
        peers.push(peer);
    }
    let closed = endings(peers, start, LONG)?;
    expect_codes(&closed, &[4008, 4010, 0])?;
    Ok(Damage { closed, note: "all of them over".to_owned() })
}
