//! Known bots that misuse what they may do.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bot_hub_proof::peer::{Failure, Peer};
use bot_hub_proof::process::token;
use bot_hub_proof::wire::{first, frame};
use serde_json::{Value, json};

use crate::stage::{Case, Damage, Stage, case, endings, expect_codes};

pub const CASES: &[Case] = &[
    Case {
        growth_mib_max: 64,
        ..case(
            "one room flooded by four bots for 5 s",
            "honest rooms share the disk, not a queue",
            flood,
        )
    },
    Case {
        growth_mib_max: 128,
        ..case(
            "400 MB in messages of 100 kB, said by four bots without a pause",
            "32 MiB on their way to the store, then senders stand still",
            heap,
        )
    },
    Case {
        growth_mib_max: 48,
        ..case(
            "a member that never reads, in a room with 40 MB to read",
            "`limits.windowEntries`, 256 KiB outstanding; `timeouts.dead`, 4010",
            never_reads,
        )
    },
    Case {
        growth_mib_max: 48,
        ..case("a member that reads a byte every 10 ms", "the log is the buffer", reads_slowly)
    },
    Case {
        growth_mib_max: 48,
        ..case(
            "a bot that makes 1,200 rooms",
            "`limits.roomsMadePerBot` (100): refused from there on",
            hoarder,
        )
    },
    case(
        "50,000 signs of typing and 50,000 of presence",
        "never stored; they cost what they cost",
        noise,
    ),
    case(
        "100,000 receipts for what was never delivered",
        "each refused; nothing is kept",
        receipts,
    ),
    case("a bot that claims to be somebody else", "`from` is the connection's", forger),
];

fn io(error: std::io::Error) -> Failure {
    error.to_string()
}

fn flood(stage: &Stage) -> Result<Damage, Failure> {
    let (stop, stored) = (AtomicBool::new(false), AtomicU64::new(0));
    let start = Instant::now();
    let done: Vec<Result<(), Failure>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|at| {
                scope.spawn({
                    let (stop, stored) = (&stop, &stored);
                    move || pour(stage, at, stop, stored)
                })
            })
            .collect();
        std::thread::sleep(Duration::from_secs(5));
        stop.store(true, Ordering::Relaxed);
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("panic".to_owned())))
            .collect()
    });
    done.into_iter().collect::<Result<(), Failure>>()?;
    let rate = stored.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
    Ok(Damage::note(format!("{rate:.0} messages stored per second")))
}

/// Says as much as the hub takes, reading the answers.
fn pour(stage: &Stage, at: u32, stop: &AtomicBool, stored: &AtomicU64) -> Result<(), Failure> {
    let mut peer = Peer::ours(&stage.url, &token(&format!("e{at}")), &json!({"caps": []}))?.0;
    peer.join("flooded")?;
    while !stop.load(Ordering::Relaxed) {
        stored.fetch_add(say(&mut peer, "flooded", 200, 64)?, Ordering::Relaxed);
    }
    Ok(())
}

/// Four that say more than the disk takes, long before they look at an answer.
fn heap(stage: &Stage) -> Result<Damage, Failure> {
    let start = Instant::now();
    let one = |at: u32| -> Result<u64, Failure> {
        let mut peer = Peer::ours(&stage.url, &token(&format!("e{at}")), &json!({"caps": []}))?.0;
        let room = format!("heap-{at}");
        peer.join(&room)?;
        say(&mut peer, &room, 100_000, 1_000)
    };
    let stored: Vec<Result<u64, Failure>> = std::thread::scope(|scope| {
        let work: Vec<_> = (0..4).map(|at| scope.spawn(move || one(at))).collect();
        work.into_iter().map(|work| work.join().expect("it does not panic")).collect()
    });
    let stored: u64 = stored.into_iter().sum::<Result<u64, Failure>>()?;
    Ok(Damage::note(format!("{stored} stored after {} ms", start.elapsed().as_millis())))
}

/// So many messages at once, and then their acknowledgements.
fn say(peer: &mut Peer, room: &str, bytes: usize, count: u64) -> Result<u64, Failure> {
    let message = json!({"type": "message", "room": room, "text": "x".repeat(bytes)}).to_string();
    let message = frame(first::TEXT, message.as_bytes());
    for _ in 0..count {
        peer.socket.write(&message).map_err(io)?;
    }
    let mut acks = 0;
    while acks < count {
        acks += u64::from(peer.hear_text()?.starts_with(r#"{"type":"ack""#));
    }
    Ok(acks)
}

/// A room in which `sleepy` is a member, and what it has to read: so many messages of 4 KiB.
fn pile(stage: &Stage, count: usize) -> Result<Peer, Failure> {
    let mut talker = Peer::ours(&stage.url, &token("e1"), &json!({"caps": [], "side": true}))?.0;
    talker.join("pile")?;
    let batch = frame(
        first::TEXT,
        json!({"type": "message", "room": "pile", "text": "x".repeat(4_096)})
            .to_string()
            .as_bytes(),
    )
    .repeat(50);
    for _ in 0..count / 50 {
        talker.socket.write(&batch).map_err(io)?;
        let mut acks = 0;
        while acks < 50 {
            acks += u64::from(talker.hear()?["type"] == "ack");
        }
    }
    Ok(talker)
}

fn never_reads(stage: &Stage) -> Result<Damage, Failure> {
    let mut sleepy = stage.evil(0)?;
    sleepy.join("pile")?;
    let start = Instant::now();
    let _talker = pile(stage, 10_000)?;
    let closed =
        endings_without_reading(sleepy, start, Duration::from_secs(stage.waits.dead * 2 + 60))?;
    // Nothing is lost: it is all there for whoever comes back.
    let (mut back, _) =
        Peer::ours(&stage.url, &token("e0"), &json!({"caps": ["ack"], "resume": {}}))?;
    for seq in 1..=10_000_u64 {
        let frame = back.hear_type("message")?;
        if frame["seq"] != seq {
            return Err(format!("{} instead of #{seq}", frame["seq"]));
        }
        back.say(&json!({"type": "receipt", "room": "pile", "seq": seq, "state": "received"}))?;
    }
    Ok(Damage { closed, note: "all 10,000 delivered after its return".to_owned() })
}

/// Waits without reading until the socket is dead, which shows when it is written to.
fn endings_without_reading(
    mut peer: Peer,
    start: Instant,
    within: Duration,
) -> Result<Vec<(u16, Duration)>, Failure> {
    let deadline = Instant::now() + within;
    while Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(200));
        let state = std::fs::read_to_string("/proc/net/tcp").map_err(io)?;
        let port = peer.socket.stream().local_addr().map_err(io)?.port();
        let mine = format!(":{port:04X}");
        // The hub's side of it: our own side cannot see the end behind what it has not read. 01 is
        // ESTABLISHED; whatever follows means that the hub has hung up.
        let line = state
            .lines()
            .find(|line| line.split_whitespace().nth(2).is_some_and(|it| it.ends_with(&mine)));
        if line.is_none_or(|line| line.split_whitespace().nth(3) != Some("01")) {
            let after = start.elapsed();
            let ends = endings(vec![peer], start, Duration::from_secs(20))?;
            expect_codes(&ends, &[4008, 4010, 0])?;
            return Ok(vec![(ends[0].0, after)]);
        }
        // An honest stack would keep it alive; this one says nothing.
        peer.answers_pings = false;
    }
    Err(format!("still open after {} s", within.as_secs()))
}

fn reads_slowly(stage: &Stage) -> Result<Damage, Failure> {
    use std::io::Read as _;
    let mut slow = stage.evil(0)?;
    slow.join("pile")?;
    let _talker = pile(stage, 2_000)?;
    let mut stream = slow.socket.stream();
    let mut read = 0;
    let until = Instant::now() + Duration::from_secs(stage.waits.dead.min(8) - 1);
    while Instant::now() < until {
        read += stream.read(&mut [0; 1]).map_err(io)?;
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(Damage::note(format!("{read} bytes read, the connection lives")))
}

fn hoarder(stage: &Stage) -> Result<Damage, Failure> {
    let mut peer = stage.evil(0)?;
    let mut refused = 0;
    for number in 0..1_200 {
        let answer: Value =
            peer.ask(&json!({"type": "join", "room": format!("r{number}")}), "joined")?;
        if answer["type"] == "error" {
            if answer["name"] != "too_many_rooms" {
                return Err(format!("refused with {answer}"));
            }
            refused += 1;
        }
    }
    if refused != 1_100 {
        return Err(format!("{refused} of 1,200 were refused"));
    }
    Ok(Damage::note("1,100 refused".to_owned()))
}

fn noise(stage: &Stage) -> Result<Damage, Failure> {
    let mut peer = stage.evil(0)?;
    peer.join("noise")?;
    let both = [
        frame(first::TEXT, br#"{"type":"typing","room":"noise"}"#),
        frame(first::TEXT, br#"{"type":"presence","state":"busy","note":"again and again"}"#),
    ];
    let batch = both.concat().repeat(500);
    for _ in 0..100 {
        peer.socket.write(&batch).map_err(io)?;
    }
    peer.drain()?;
    Ok(Damage::note("taken".to_owned()))
}

fn receipts(stage: &Stage) -> Result<Damage, Failure> {
    let mut peer = stage.evil(0)?;
    peer.join("noise")?;
    let mut refused = 0;
    for round in 0..100 {
        let mut batch = Vec::new();
        for at in 0..1_000 {
            let receipt = json!({"type": "receipt", "room": "noise", "id": format!("no-{round}-{at}"), "state": "done"});
            batch.extend(frame(first::TEXT, receipt.to_string().as_bytes()));
        }
        peer.socket.write(&batch).map_err(io)?;
        refused += peer.drain()?.iter().filter(|it| it["type"] == "error").count();
    }
    Ok(Damage::note(format!("{refused} refused")))
}

fn forger(stage: &Stage) -> Result<Damage, Failure> {
    let (mut peer, mut other) = (stage.evil(0)?, stage.evil(1)?);
    peer.join("forged")?;
    other.join("forged")?;
    for number in 0..1_000 {
        let frame = json!({"type": "message", "room": "forged", "text": "x", "from": "hedy", "seq": 1, "sent_at": 5,
            "hops": 0, "id": format!("f{number}"), "bot": "hedy"});
        peer.say(&frame)?;
        let got = other.hear_type("message")?;
        if got["from"] != "e0" || got["sent_at"] == 5 {
            return Err(format!("delivered as {got}"));
        }
        other.say(
            &json!({"type": "receipt", "room": "forged", "seq": got["seq"], "state": "received"}),
        )?;
    }
    Ok(Damage::note("1,000 delivered with the true name".to_owned()))
}
