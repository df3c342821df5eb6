//! A connection with routes of its own: bodies that come and go in pieces, each up to the bound of its route.

use std::cell::Cell;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::body::ReplyBody;
use super::call::Call;
use super::reply::{JSON, reply, reply_with};
use super::routes::tests::route;
use super::routes::{LARGE_BODY_BYTES_MAX, now};
use super::*;
use crate::door::DoorLimits;

const POST: &[Method] = &[Method::POST];

const ROUTES: &[Route] = &[
    route(POST, "/api/whole", |call| Box::pin(whole(call))).body(LARGE_BODY_BYTES_MAX),
    route(POST, "/api/small", |call| Box::pin(whole(call))).body(5),
    route(POST, "/api/pieces", |call| now(Ok(pieces(call))))
        .body(LARGE_BODY_BYTES_MAX)
        .within(Duration::from_secs(60)),
    route(&[Method::GET], "/api/endless", |_| now(Ok(endless()))).within(Duration::from_secs(60)),
    route(&[Method::GET], "/api/cut", |_| now(Ok(cut()))),
    route(&[Method::GET], "/api/short", |_| now(Ok(short()))),
];

async fn whole(call: Call<'_>) -> Result<Reply, Refusal> {
    let body = call.into_body().whole().await?;
    Ok(reply(StatusCode::OK, JSON, body))
}

/// Sends each piece back while the next one is still to come.
fn pieces(call: Call<'_>) -> Reply {
    let (back, taken) = mpsc::channel(1);
    let mut body = call.into_body();
    tokio::task::spawn_local(async move {
        while let Ok(Some(piece)) = body.next().await {
            drop(back.send(Ok(piece)).await);
        }
    });
    reply_with(StatusCode::OK, JSON, ReplyBody::pieces(taken, None))
}

thread_local! {
    /// Pieces that `endless` could hand on.
    static HANDED_ON: Cell<usize> = const { Cell::new(0) };
}

fn endless() -> Reply {
    let (pieces, taken) = mpsc::channel(1);
    tokio::task::spawn_local(async move {
        while pieces.send(Ok(Bytes::from(vec![b'x'; 1_000]))).await.is_ok() {
            HANDED_ON.set(HANDED_ON.get() + 1);
        }
    });
    reply_with(StatusCode::OK, JSON, ReplyBody::pieces(taken, None))
}

/// Two pieces, the second some time after the first.
fn two_pieces(second: io::Result<Bytes>, len: Option<u64>) -> Reply {
    let (pieces, taken) = mpsc::channel(2);
    tokio::task::spawn_local(async move {
        drop(pieces.send(Ok(Bytes::from_static(b"one"))).await);
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(pieces.send(second).await);
    });
    reply_with(StatusCode::OK, JSON, ReplyBody::pieces(taken, len))
}

/// What went wrong while the answer was made must not look like its end.
fn cut() -> Reply {
    two_pieces(Err(io::ErrorKind::Other.into()), None)
}

fn short() -> Reply {
    two_pieces(Ok(Bytes::from_static(b"two")), Some(7))
}

/// A connection to a door with these routes; `pipe_bytes` is what fits between.
fn dial(pipe_bytes: usize) -> DuplexStream {
    let (intents, _engine) = mpsc::channel(1);
    let door = Door { routes: ROUTES, ..Door::unshared(DoorConfig::default(), intents) };
    let (client, server) = tokio::io::duplex(pipe_bytes);
    let peer = IpAddr::from([127, 0, 0, 1]);
    let permit = door.enter(peer).expect("room");
    tokio::task::spawn_local(Rc::new(door).serve(server, peer, permit));
    client
}

async fn answer_of(request: &str) -> String {
    let exchange = async {
        let (mut read, mut write) = tokio::io::split(dial(1 << 16));
        let mut answer = String::new();
        let asking = write.write_all(request.as_bytes());
        let (_, read) = tokio::join!(asking, read.read_to_string(&mut answer));
        read.expect("the end");
        answer
    };
    LocalSet::new().run_until(exchange).await
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: hub\r\n{headers}\r\n\r\n{body}")
}

#[tokio::test(start_paused = true)]
async fn a_mebibyte_is_taken_where_a_route_says_so_and_no_byte_more() {
    let check = async |bytes: usize, status: &str| {
        let body = "x".repeat(bytes);
        let length = format!("Content-Length: {bytes}");
        let answer = answer_of(&post("/api/whole", &length, &body)).await;
        assert!(answer.starts_with(status), "{bytes}: {answer:.200}");
        assert_eq!(answer.ends_with(&body), status.contains("200"), "{bytes}");
    };
    check(1 << 20, "HTTP/1.1 200 ").await;
    check((1 << 20) + 1, "HTTP/1.1 413 ").await;
}

#[tokio::test(start_paused = true)]
async fn a_body_in_chunks_is_held_to_the_bound_of_its_route_and_ends_the_connection() {
    let check = async |body: &str, expected: &str| {
        let request = post("/api/small", "Transfer-Encoding: chunked", body);
        let answer = answer_of(&(request + "GET /api/endless HTTP/1.1\r\nHost: hub\r\n\r\n")).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let status = head.split(' ').nth(1).expect("a status");
        assert!(format!("{status} {body}").starts_with(expected), "{expected}: {answer}");
        assert!(head.contains("connection: close"), "{answer}");
    };
    check("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "200 abcde").await;
    check("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", "413 {").await;
    check("FFFFFFFF\r\nabcdef", "413 {").await;
    check("x\r\nabc\r\n", "400 {").await;
}

#[tokio::test(start_paused = true)]
async fn nothing_hides_behind_a_body_that_two_parsers_measure_differently() {
    let hidden = "0\r\n\r\nGET /api/endless HTTP/1.1\r\nHost: hub\r\n\r\n";
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
    ] {
        let answer = answer_of(&post("/api/small", headers, hidden)).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{headers}: {answer}");
        assert!(answer.contains("connection: close"), "{headers}: {answer}");
        let has_two_codings = headers.contains("gzip") || headers.contains("chunked\r\nTransfer");
        assert!(!has_two_codings || answer.contains("the only transfer coding"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_for_a_path_that_is_not_there_is_refused_for_the_path_where_programs_ask() {
    for (path, expected) in [("/api/nothing", "404"), ("/nothing", "400")] {
        let answer = answer_of(&post(path, "Content-Length: 2\r\nConnection: close", "ab")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{path}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_stream_both_ways_at_once() {
    let talk = async {
        let mut client = dial(1 << 10);
        let head = post("/api/pieces", "Transfer-Encoding: chunked", "");
        client.write_all(head.as_bytes()).await.expect("room");
        let mut heard = String::new();
        for piece in ["one", "two", "three"] {
            let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
            client.write_all(chunk.as_bytes()).await.expect("room");
            // Each comes back before the next one goes.
            while !heard.ends_with(&chunk) {
                heard.push(client.read_u8().await.expect("more").into());
            }
        }
        client.write_all(b"0\r\n\r\n").await.expect("room");
        client.read_to_string(&mut heard).await.expect("the end");
        assert!(heard.ends_with("\r\n0\r\n\r\n"), "{heard}");
    };
    LocalSet::new().run_until(talk).await;
}

#[tokio::test(start_paused = true)]
async fn the_producer_of_an_answer_waits_for_its_reader_who_has_to_read() {
    let stall = async {
        let mut client = dial(1 << 10);
        client.write_all(b"GET /api/endless HTTP/1.1\r\nHost: hub\r\n\r\n").await.expect("room");
        let limits = DoorLimits::default();
        tokio::time::sleep(limits.write_stall / 2).await;
        let waiting = HANDED_ON.get();
        assert!(waiting < 1_000, "{waiting} pieces of 1 KB are held");
        // What it reads is a sign of life.
        let mut read = vec![0; 1 << 16];
        client.read_exact(&mut read).await.expect("there is more");
        assert!(HANDED_ON.get() > waiting);
        tokio::time::sleep(limits.write_stall * 3 / 4).await;
        client.read_exact(&mut read).await.expect("there is more");
        tokio::time::sleep(limits.write_stall + Duration::from_millis(1)).await;
        read.clear();
        client.read_to_end(&mut read).await.expect("the end");
        assert!(read.len() <= 1 << 10, "only what was on its way: {}", read.len());
    };
    LocalSet::new().run_until(stall).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_cut_does_not_look_whole() {
    let cut = answer_of("GET /api/cut HTTP/1.1\r\nHost: hub\r\n\r\n").await;
    assert!(cut.starts_with("HTTP/1.1 200") && !cut.ends_with("0\r\n\r\n"), "{cut}");
    let short = answer_of("GET /api/short HTTP/1.1\r\nHost: hub\r\n\r\n").await;
    let (head, body) = short.split_once("\r\n\r\n").expect("an answer");
    let head = format!("{head}\r\n");
    assert!(head.contains("content-length: 7\r\n") && body.len() < 7, "{short}");
}

#[tokio::test(start_paused = true)]
async fn requests_with_bodies_follow_each_other_over_one_connection() {
    let request = post("/api/small", "Content-Length: 2", "ab");
    let last = post("/api/small", "Content-Length: 2\r\nConnection: close", "yz");
    let answer = answer_of(&(request.repeat(2) + &last)).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 3, "{answer}");
    assert_eq!(answer.matches("\r\n\r\nab").count(), 2, "{answer}");
    assert!(answer.ends_with("\r\n\r\nyz"), "{answer}");
}
