//! Connections over which more than one request comes: how long they live, and for whom they count.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bot_hub_server::door::{Answer, Asker, DoorConfig, DoorLimits, Intent, TurnedAway};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use crate::stage::{Client, Stage, UPGRADE, on_stage};

const LIVEZ: &str = "GET /livez HTTP/1.1\r\nHost: hub\r\n\r\n";

fn limits() -> DoorLimits {
    DoorLimits::default()
}

impl Client {
    /// Asks whether the hub lives, and reads the whole answer.
    async fn ask(&mut self) -> String {
        self.write(LIVEZ.as_bytes()).await;
        let head = self.read_head().await;
        let mut body = [0; 3];
        self.stream.read_exact(&mut body).await.expect("a body");
        assert_eq!(&body, b"ok\n", "{head}");
        head
    }

    /// Everything up to the end of the connection.
    async fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.stream.read_to_string(&mut rest).await.expect("the end");
        rest
    }

    /// Writes a byte a second. What was answered before the hub hung up.
    async fn drip(self, bytes: String) -> String {
        let (mut read, mut write) = tokio::io::split(self.stream);
        let dripping = tokio::task::spawn_local(async move {
            for byte in bytes.bytes() {
                if write.write_all(&[byte]).await.is_err() {
                    return;
                }
                sleep(Duration::from_secs(1)).await;
            }
        });
        let mut answer = String::new();
        read.read_to_string(&mut answer).await.expect("the end");
        dripping.abort();
        answer
    }
}

#[tokio::test(start_paused = true)]
async fn requests_follow_each_other_until_one_asks_for_the_end() {
    on_stage(async || {
        let stage = Stage::new(|_| {});
        let mut client = stage.dial();
        for _ in 0..3 {
            let head = client.ask().await;
            assert!(head.starts_with("HTTP/1.1 200") && !head.contains("close"), "{head}");
        }
        let last = LIVEZ.replace("\r\n\r\n", "\r\nConnection: x, Close\r\n\r\n");
        client.write(last.as_bytes()).await;
        let answer = client.rest().await;
        assert!(answer.contains("connection: close\r\n") && answer.ends_with("ok\n"), "{answer}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_come_together_are_answered_in_their_order() {
    on_stage(async || {
        let stage = Stage::new(|_| {});
        let mut client = stage.dial();
        let nothing = LIVEZ.replace("/livez", "/nothing");
        client.write(format!("{LIVEZ}{LIVEZ}{nothing}{LIVEZ}").as_bytes()).await;
        let answer = client.rest().await;
        let statuses: Vec<&str> =
            answer.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        assert_eq!(statuses, ["200", "200", "404"], "a refusal ends the connection: {answer}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn between_requests_that_come_together_everybody_else_has_a_turn() {
    on_stage(async || {
        let stage = Stage::new(|_| {});
        let mut client = stage.dial();
        let turns = Rc::new(Cell::new(0));
        let counted = Rc::clone(&turns);
        tokio::task::spawn_local(async move {
            loop {
                counted.set(counted.get() + 1);
                tokio::task::yield_now().await;
            }
        });
        let nothing = LIVEZ.replace("/livez", "/nothing");
        client.write(format!("{}{nothing}", LIVEZ.repeat(100)).as_bytes()).await;
        let answer = client.rest().await;
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 100, "{answer}");
        assert!(turns.get() >= 90, "{} turns", turns.get());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_older_client_gets_one_answer() {
    on_stage(async || {
        let stage = Stage::new(|_| {});
        let mut client = stage.dial();
        let asked = LIVEZ.replace("HTTP/1.1\r\n", "HTTP/1.0\r\nConnection: keep-alive\r\n");
        client.write(asked.repeat(2).as_bytes()).await;
        let answer = client.rest().await;
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_good_for_so_many_requests() {
    on_stage(async || {
        let stage = Stage::new(|limits| limits.requests_per_connection_max = 3);
        let mut client = stage.dial();
        client.write(LIVEZ.repeat(5).as_bytes()).await;
        let answer = client.rest().await;
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 3, "{answer}");
        assert_eq!(answer.matches("connection: close").count(), 1, "{answer}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_over_which_nothing_comes_is_ended() {
    on_stage(async || {
        let stage = Stage::new(|_| {});
        let mut client = stage.dial();
        client.ask().await;
        for _ in 0..3 {
            sleep(limits().idle * 9 / 10).await;
            client.ask().await;
        }
        let start = Instant::now();
        assert_eq!(client.rest().await, "");
        assert_eq!(start.elapsed(), limits().idle);
        drop(client);
        sleep(Duration::from_millis(1)).await;
        assert_eq!(stage.door.admission().open(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn requests_now_and_then_keep_no_place_from_somebody_newer() {
    on_stage(async || {
        let stage = Stage::new(|limits| {
            (limits.unauthenticated_max, limits.local_reserve) = (2, 0);
        });
        let [mut first, mut second] = [stage.dial(), stage.dial()];
        for _ in 0..3 {
            sleep(limits().unauthenticated_keep * 2 / 3).await;
            first.ask().await;
            second.ask().await;
        }
        let mut newer = stage.dial();
        newer.ask().await;
        second.ask().await;
        // Whoever has just come keeps its place, though it has asked before the other one did.
        let _newest = stage.dial();
        newer.ask().await;
        assert_eq!((first.rest().await, second.rest().await), (String::new(), String::new()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_proxy_ends_its_idle_connections_itself() {
    on_stage(async || {
        let stage = Stage::with_config(
            |_| {},
            |config| config.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a network")],
        );
        let mut proxy = stage.dial_from("10.0.0.1", 1 << 16);
        proxy.ask().await;
        sleep(Duration::from_secs(120)).await;
        proxy.ask().await;
        let start = Instant::now();
        assert_eq!(proxy.rest().await, "");
        assert_eq!(start.elapsed(), limits().idle_of_proxy);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_later_request_whose_head_drips_is_cut() {
    on_stage(async || {
        let stage = Stage::new(|_| {});
        let mut client = stage.dial();
        client.ask().await;
        sleep(limits().idle / 2).await;
        let start = Instant::now();
        assert_eq!(client.drip(LIVEZ.to_owned()).await, "");
        assert_eq!(start.elapsed(), limits().request);
        assert_eq!(stage.door.admission().open(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_body_drips_is_cut() {
    on_stage(async || {
        let head = |length: &str| {
            format!("POST /api/v1/invites/claim HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n")
        };
        for (length, body) in [
            ("Content-Length: 4000", "x".repeat(4_000)),
            ("Transfer-Encoding: chunked", "1\r\nx\r\n".repeat(1_000)),
        ] {
            let stage = Stage::new(|_| {});
            let mut client = stage.dial();
            client.ask().await;
            client.write(head(length).as_bytes()).await;
            let start = Instant::now();
            assert_eq!(client.drip(body).await, "", "{length}");
            assert_eq!(start.elapsed(), limits().request, "{length}");
            assert_eq!(stage.door.admission().open(), 0);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_take_its_answer_is_cut() {
    on_stage(async || {
        let stage = Stage::new(|limits| limits.write_stall = Duration::from_secs(3));
        let mut client = stage.dial_from("127.0.0.1", 128);
        client.write(b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n").await;
        sleep(Duration::from_millis(2_990)).await;
        assert_eq!(stage.door.admission().open(), 1);
        sleep(Duration::from_millis(20)).await;
        assert_eq!(stage.door.admission().open(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_keeps_its_place_as_an_unknown_one() {
    on_stage(async || {
        let stage = Stage::new(|limits| limits.unauthenticated_per_address_max = 1);
        let here = "192.0.2.7".parse().expect("an address");
        let mut client = stage.dial_from("192.0.2.7", 1 << 16);
        client.ask().await;
        assert_eq!(stage.door.admission().unauthenticated(), 1);
        assert_eq!(stage.door.enter(here).err(), Some(TurnedAway::UnknownAddressFull));
        drop(client);
        sleep(Duration::from_millis(1)).await;
        assert!(stage.door.enter(here).is_ok(), "its place is free");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_goes_when_somebody_newer_needs_its_place() {
    on_stage(async || {
        let stage = Stage::new(|limits| {
            (limits.unauthenticated_max, limits.local_reserve) = (2, 0);
        });
        let mut idle = stage.dial_from("192.0.2.7", 1 << 16);
        idle.ask().await;
        sleep(limits().unauthenticated_keep).await;
        let mut second = stage.dial_from("192.0.2.8", 1 << 16);
        let mut third = stage.dial_from("192.0.2.9", 1 << 16);
        let end = timeout(Duration::from_millis(1), idle.rest()).await;
        assert_eq!(end.expect("it ends at once"), "");
        second.ask().await;
        third.ask().await;
        assert_eq!(stage.door.admission().unauthenticated(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_later_request_renews_a_place_and_the_first_one_does_not() {
    on_stage(async || {
        // What is asked, by the older or the newer of two, before a third needs a place; and who goes.
        for (asked, goes) in [([1, 0].as_slice(), 0), (&[0, 1, 0], 1)] {
            let stage = Stage::new(|limits| {
                (limits.unauthenticated_max, limits.local_reserve) = (2, 0);
            });
            let mut places = [stage.dial(), stage.dial()];
            for &number in asked {
                places[number].ask().await;
            }
            sleep(limits().unauthenticated_keep).await;
            let _third = stage.dial();
            assert_eq!(places[goes].rest().await, "", "{asked:?}");
            places[1 - goes].ask().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_proxys_connection_counts_for_whom_it_asks_and_only_as_long() {
    on_stage(async || {
        let mut stage = Stage::with_config(
            |limits| limits.unauthenticated_per_address_max = 1,
            |config| config.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a network")],
        );
        let behind =
            |request: &str| request.replace("Host: hub", "Host: hub\r\nX-Forwarded-For: 192.0.2.7");
        // Its request waits for the engine.
        let mut waiting = stage.dial_from("10.0.0.1", 1 << 16);
        waiting.write(behind(LIVEZ).replace("/livez", "/readyz").as_bytes()).await;
        let asked = stage.next().await;
        let mut second = stage.dial_from("10.0.0.1", 1 << 16);
        second.write(behind(LIVEZ).as_bytes()).await;
        assert!(second.rest().await.starts_with("HTTP/1.1 429"));
        drop(asked);
        assert!(waiting.read_head().await.starts_with("HTTP/1.1 503"));
        drop(waiting);

        // Both are idle, and the address has its place.
        let mut idle = [(); 2].map(|()| stage.dial_from("10.0.0.1", 1 << 16));
        for client in &mut idle {
            client.write(behind(LIVEZ).as_bytes()).await;
            assert!(client.read_head().await.starts_with("HTTP/1.1 200"));
            sleep(Duration::from_millis(1)).await;
        }
        let mut socket = stage.dial_from("10.0.0.1", 1 << 16);
        socket.write(behind(UPGRADE).as_bytes()).await;
        assert!(socket.read_head().await.starts_with("HTTP/1.1 101"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_request_is_judged_by_the_configuration_of_its_moment() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let mut client = stage.dial_from("10.0.0.1", 1 << 16);
        let request = "GET /readyz HTTP/1.1\r\nHost: hub\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n";
        for (trusted, expected) in [(false, "10.0.0.1"), (true, "192.0.2.7"), (false, "10.0.0.1")] {
            let network = "10.0.0.0/8".parse().expect("a network");
            let trusted_proxies = if trusted { vec![network] } else { Vec::new() };
            stage.door.reconfigure(DoorConfig { trusted_proxies, ..DoorConfig::default() });
            client.write(request.as_bytes()).await;
            let Intent::Ask(ask) = stage.next().await else { panic!("nothing asked") };
            assert_eq!(ask.asker, Asker::Remote(expected.parse().expect("an address"), None));
            ask.reply.send(Answer::Good("x".to_owned())).expect("somebody waits");
            assert!(client.read_head().await.starts_with("HTTP/1.1 200"));
            assert_eq!(client.stream.read_u8().await.expect("a body"), b'x');
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_websocket_may_be_opened_over_a_connection_that_was_used_before() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let mut client = stage.dial();
        client.ask().await;
        client.upgrade().await;
        let Intent::Opened { outbox, .. } = stage.next().await else { panic!("not opened") };
        outbox.authenticate();
        outbox.append_text(b"hello", 0).expect("room");
        assert_eq!(client.hear().await, "hello");
        assert_eq!(stage.door.admission().unauthenticated(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_stops_waits_for_answers_and_not_for_idle_connections() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut idle, mut asking) = (stage.dial(), stage.dial());
        idle.ask().await;
        asking.write(LIVEZ.replace("/livez", "/readyz").as_bytes()).await;
        let asked = stage.next().await;
        let start = Instant::now();
        Rc::clone(&stage.door).stop();
        assert_eq!(idle.rest().await, "");
        assert_eq!(start.elapsed(), Duration::ZERO);
        sleep(Duration::from_millis(1)).await;
        assert_eq!(stage.door.admission().open(), 1, "it does not wait for the peer to hang up");
        drop(asked);
        let answer = asking.rest().await;
        assert!(answer.contains("connection: close") && answer.contains("503"), "{answer}");
    })
    .await;
}
