//! Every wait of the door ends, each at its own time.

use std::time::Duration;

use bot_hub_server::door::ws::CloseCode;
use bot_hub_server::door::{DoorLimits, Ended, Intent};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep};

use crate::stage::{Stage, UPGRADE, on_stage, texts};

fn limits() -> DoorLimits {
    DoorLimits::default()
}

/// Whether `passed` is `expected`, give or take the tenth that heartbeats are spread by.
fn about(passed: Duration, expected: Duration) -> bool {
    passed >= expected * 9 / 10 && passed <= expected * 11 / 10
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_drips_is_cut() {
    on_stage(async || {
        let stage = Stage::new(|_| {});
        let start = Instant::now();
        let client = stage.dial();
        let (mut read, mut write) = tokio::io::split(client.stream);
        let dripping = tokio::task::spawn_local(async move {
            for byte in UPGRADE.bytes() {
                if tokio::io::AsyncWriteExt::write_all(&mut write, &[byte]).await.is_err() {
                    return;
                }
                sleep(Duration::from_secs(1)).await;
            }
        });
        let mut answer = Vec::new();
        read.read_to_end(&mut answer).await.expect("the end");
        assert_eq!(start.elapsed(), limits().request);
        assert_eq!(answer, b"");
        dripping.abort();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_sends_nothing_at_all_is_cut() {
    on_stage(async || {
        let stage = Stage::new(|_| {});
        let start = Instant::now();
        let mut client = stage.dial();
        assert_eq!(client.stream.read(&mut [0; 9]).await.expect("the end"), 0);
        assert_eq!(start.elapsed(), limits().request);
        assert_eq!(stage.door.admission().open(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_authenticate_is_told_to_and_closed() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, conn, _outbox) = stage.open(1 << 16).await;
        let start = Instant::now();
        let (code, reason) = client.hear_close().await;
        assert_eq!((code, &*reason), (4001, "authenticate within 5 s of connecting"));
        assert_eq!(start.elapsed(), limits().auth);
        assert_eq!(stage.closed(conn).await, Ended::AuthTimeout);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn frames_do_not_put_off_the_end_of_who_does_not_authenticate() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, conn, outbox) = stage.open(1 << 16).await;
        let start = Instant::now();
        for _ in 0..4 {
            client.say("hello").await;
            let Intent::Frames { .. } = stage.next().await else { panic!("no frames") };
            outbox.append_text(b"error", 0).expect("room");
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(client.hear_close().await.0, 4001);
        assert_eq!(start.elapsed(), limits().auth);
        assert_eq!(stage.closed(conn).await, Ended::AuthTimeout);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_pinged_and_then_given_up() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, conn, _outbox) = stage.open_known(1 << 16).await;
        let start = Instant::now();
        assert_eq!(client.read_frame().await, (0x89, Vec::new()));
        assert!(about(start.elapsed(), limits().heartbeat), "{:?}", start.elapsed());
        assert_eq!(client.hear_close().await.0, 4010);
        assert!(about(start.elapsed(), limits().silence), "{:?}", start.elapsed());
        assert_eq!(stage.closed(conn).await, Ended::Silent);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_pings_lives_as_long_as_it_likes() {
    on_stage(async || {
        let mut stage = Stage::new(|limits| limits.control_frames_burst_max = 0);
        let (mut client, conn, _outbox) = stage.open_known(1 << 16).await;
        for _ in 0..100 {
            assert_eq!(client.read_frame().await, (0x89, Vec::new()));
            client.write(&crate::stage::frame(0x8a, b"")).await;
        }
        assert!(stage.intents.is_empty());
        client.write(&crate::stage::frame(0x88, b"")).await;
        assert_eq!(client.hear_close().await.0, 0);
        assert_eq!(stage.closed(conn).await, Ended::ByPeer);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_cut() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (client, conn, outbox) = stage.open_known(64).await;
        let start = Instant::now();
        outbox.append_text(&[b'x'; 1000], 1).expect("room");
        assert_eq!(stage.closed(conn).await, Ended::Stalled);
        assert_eq!(start.elapsed(), limits().write_stall);
        assert_eq!(outbox.held_bytes(), 0);
        drop(client);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_little_by_little_is_not_cut() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, conn, outbox) = stage.open_known(64).await;
        outbox.append_text(&[b'x'; 1000], 1).expect("room");
        let mut left = 1004;
        while left > 0 {
            sleep(limits().write_stall / 2).await;
            left -= client.stream.read(&mut [0; 64]).await.expect("more");
        }
        let Intent::Written { mark: 1, .. } = stage.next().await else { panic!("not written") };
        drop(client);
        assert_eq!(stage.closed(conn).await, Ended::Lost);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_close_waits_only_so_long_for_a_peer_that_does_not_read() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (client, conn, outbox) = stage.open_known(64).await;
        let start = Instant::now();
        outbox.append_text(&[b'x'; 1000], 1).expect("room");
        outbox.close(CloseCode::TOO_SLOW, "read faster");
        assert_eq!(stage.closed(conn).await, Ended::ByHub);
        assert_eq!(start.elapsed(), limits().close);
        drop(client);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_not_read_is_not_called_silent() {
    on_stage(async || {
        let mut stage = Stage::new(|limits| {
            limits.outbox_high_water_bytes = 10;
            limits.write_stall = Duration::from_secs(1000);
        });
        let (mut client, conn, outbox) = stage.open_known(64).await;
        outbox.append_text(&[b'x'; 1000], 1).expect("room");
        sleep(Duration::from_secs(300)).await;
        assert!(stage.intents.is_empty());
        assert_eq!(client.hear().await.len(), 1000);
        let Intent::Written { mark: 1, .. } = stage.next().await else { panic!("not written") };
        client.say("still here").await;
        let Intent::Frames { frames, .. } = stage.next().await else { panic!("no frames") };
        assert_eq!(texts(frames), ["still here"]);
        drop(client);
        assert_eq!(stage.closed(conn).await, Ended::Lost);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_does_not_answer_a_page_costs_the_asker_its_patience_only() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let mut client = stage.dial();
        let start = Instant::now();
        client.write(b"GET /readyz HTTP/1.1\r\nHost: hub\r\n\r\n").await;
        let asking = stage.next().await;
        assert!(client.read_head().await.starts_with("HTTP/1.1 503"));
        assert_eq!(start.elapsed(), limits().answer);
        drop(asking);
    })
    .await;
}
