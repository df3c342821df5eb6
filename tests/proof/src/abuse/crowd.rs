//! Many connections that want nothing, or come and go.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use bot_hub_proof::peer::{Failure, Peer};
use bot_hub_proof::process::token;
use bot_hub_proof::wire::Socket;
use serde_json::json;

use crate::stage::{Case, Damage, Stage, case, endings, expect_codes};

pub const CASES: &[Case] = &[
    case("300 sockets that say nothing", "`timeouts.handshake`", silent),
    case("300 upgrade requests, a byte at a time", "`timeouts.handshake`", dripping),
    case("300 upgraded connections that never authenticate", "`timeouts.auth`, 4001", unknown),
    Case {
        may_refuse: true,
        ..case(
            "1,000 silent sockets, more than the hub lets in",
            "`limits.unauthenticatedMax` (512), and 16 of them from one address that is not this machine",
            crowding,
        )
    },
    case("3,000 connections that hang up at once", "nothing is kept for them", churn),
    case(
        "2,000 reconnects with a good token from 8 threads",
        "a connection costs about 10 KiB",
        storm,
    ),
    case(
        "1,000 wrong tokens from another address",
        "`limits.authFailuresPerMinute` (10), 4029",
        guessing,
    ),
    case(
        "two programs that take one bot from each other",
        "4 takeovers in 10 s, then the newcomer waits",
        fighting,
    ),
    case("200 connections that are closed and not hung up", "2 s after the close frame", lingering),
];

fn io(error: std::io::Error) -> Failure {
    error.to_string()
}

fn dial(stage: &Stage, count: usize) -> Result<Vec<Socket>, Failure> {
    (0..count).map(|_| Socket::dial(&stage.url).map_err(io)).collect()
}

/// Writes to each socket every 100 ms until the hub has ended all of them. When each ended.
fn nag(
    sockets: Vec<Socket>,
    bytes: &[u8],
    within: Duration,
) -> Result<Vec<(u16, Duration)>, Failure> {
    let start = Instant::now();
    let mut closed = Vec::new();
    let mut open = sockets;
    for at in 0.. {
        let mut still = Vec::new();
        for socket in open {
            let mut stream = socket.stream();
            stream.set_nonblocking(true).map_err(io)?;
            let sent = bytes.get(at).is_none_or(|byte| stream.write(&[*byte]).is_ok());
            let ended = match stream.read(&mut [0; 512]) {
                Ok(0) => true,
                Ok(_) => false,
                Err(error) => error.kind() != ErrorKind::WouldBlock,
            };
            if ended || !sent {
                closed.push((0, start.elapsed()));
            } else {
                still.push(socket);
            }
        }
        if still.is_empty() {
            return Ok(closed);
        }
        if start.elapsed() > within {
            return Err(format!("{} are still open after {} s", still.len(), within.as_secs()));
        }
        open = still;
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(closed)
}

fn handshakes_end(stage: &Stage) -> Duration {
    Duration::from_secs(stage.waits.handshake * 2 + 20)
}

fn silent(stage: &Stage) -> Result<Damage, Failure> {
    let closed = nag(dial(stage, 300)?, &[], handshakes_end(stage))?;
    Ok(Damage { closed, ..Damage::default() })
}

fn dripping(stage: &Stage) -> Result<Damage, Failure> {
    let request = "GET / HTTP/1.1\r\nHost: hub\r\nX-Long: ".to_owned() + &"x".repeat(5_000);
    let closed = nag(dial(stage, 300)?, request.as_bytes(), handshakes_end(stage))?;
    Ok(Damage { closed, ..Damage::default() })
}

fn unknown(stage: &Stage) -> Result<Damage, Failure> {
    let start = Instant::now();
    let peers: Result<Vec<Peer>, Failure> = (0..300).map(|_| Peer::open(&stage.url)).collect();
    let closed = endings(peers?, start, Duration::from_secs(stage.waits.auth * 2 + 20))?;
    expect_codes(&closed, &[4001])?;
    Ok(Damage { closed, ..Damage::default() })
}

fn crowding(stage: &Stage) -> Result<Damage, Failure> {
    let closed = nag(dial(stage, 1_000)?, &[], handshakes_end(stage))?;
    let at_once =
        closed.iter().filter(|end| end.1 < Duration::from_secs(stage.waits.handshake) / 2).count();
    if at_once == 0 {
        return Err("nobody was turned away".to_owned());
    }
    // Afterwards there is room again.
    Peer::ours(&stage.url, &token("e0"), &json!({"caps": []}))?;
    let note = format!("{at_once} of them turned away at once");
    Ok(Damage { closed, note })
}

fn churn(stage: &Stage) -> Result<Damage, Failure> {
    let start = Instant::now();
    for _ in 0..3_000 {
        drop(Socket::dial(&stage.url).map_err(io)?);
    }
    Ok(Damage::note(format!("{:.0} per second", 3_000.0 / start.elapsed().as_secs_f64())))
}

fn storm(stage: &Stage) -> Result<Damage, Failure> {
    let start = Instant::now();
    let done: Vec<Result<(), Failure>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..250 {
                        stage.aside()?;
                    }
                    Ok(())
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("panic".to_owned())))
            .collect()
    });
    done.into_iter().collect::<Result<(), Failure>>()?;
    Ok(Damage::note(format!("{:.0} per second", 2_000.0 / start.elapsed().as_secs_f64())))
}

fn guessing(stage: &Stage) -> Result<Damage, Failure> {
    let (mut evaluated, mut throttled) = (0, 0);
    let mut closed = Vec::new();
    for number in 0..1_000 {
        let mut socket = Socket::dial_from(&stage.url, Ipv4Addr::new(127, 0, 0, 2)).map_err(io)?;
        let head = socket.upgrade("/", "").map_err(io)?;
        if !head.starts_with("HTTP/1.1 101") {
            return Err(format!("not even upgraded: {head}"));
        }
        let start = Instant::now();
        let mut peer = Peer { socket, answers_pings: true };
        peer.say(&json!({"type": "auth", "token": format!("bh_guess{number}")}))?;
        match peer.hear()?["name"].as_str() {
            Some("bad_token") => evaluated += 1,
            Some("auth_throttled") => throttled += 1,
            other => return Err(format!("answered with {other:?}")),
        }
        closed.push((peer.hear_close()?, start.elapsed()));
    }
    expect_codes(&closed, &[4002, 4029])?;
    if evaluated > 20 {
        return Err(format!("{evaluated} guesses were looked at"));
    }
    Ok(Damage { closed, note: format!("{evaluated} looked at, {throttled} not") })
}

fn fighting(stage: &Stage) -> Result<Damage, Failure> {
    let (mut taken, mut sent_away) = (0, 0);
    let mut held = Vec::new();
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        let mut peer = Peer::open(&stage.url)?;
        peer.say(&json!({"type": "auth", "token": token("e0"), "caps": ["ack"]}))?;
        peer.hear()?;
        peer.say(&json!({"type": "ping"}))?;
        let stays = peer.hear().is_ok_and(|frame| frame["type"] == "pong");
        taken += u64::from(stays);
        sent_away += u64::from(!stays);
        if stays {
            held.push(peer);
        }
    }
    if sent_away == 0 {
        return Err(format!("{taken} takeovers, and nobody was sent away"));
    }
    Ok(Damage::note(format!("{taken} takeovers, {sent_away} newcomers sent away")))
}

fn lingering(stage: &Stage) -> Result<Damage, Failure> {
    let mut peers = Vec::new();
    for _ in 0..200 {
        let mut peer = stage.aside()?;
        peer.socket.send(0x88, &1000_u16.to_be_bytes()).map_err(io)?;
        peers.push(peer);
    }
    // They read the answer, and then do not hang up: the hub must.
    let closed = endings(peers, Instant::now(), Duration::from_secs(20))?;
    expect_codes(&closed, &[1000])?;
    Ok(Damage::note("each answered".to_owned()))
}
