//! What the engine sees of a connection, and what it can do with it.

use std::rc::Rc;

use bot_hub_server::door::ws::{CloseCode, append_text};
use bot_hub_server::door::{Ended, Intent, Refused};

use crate::stage::{Client, Stage, UPGRADE, frame, on_stage, texts};

#[tokio::test(start_paused = true)]
async fn frames_arrive_in_batches_and_answers_go_back() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, conn, outbox) = stage.open_known(1 << 16).await;
        client.write(&[frame(0x81, b"one"), frame(0x81, b"two")].concat()).await;
        let Intent::Frames { conn: from, frames } = stage.next().await else { panic!("no frames") };
        assert_eq!(from, conn);
        assert_eq!(texts(frames), ["one", "two"]);

        let mut shared = Vec::new();
        append_text(&mut shared, b"shared");
        outbox.append_text(b"answer", 0).expect("room");
        assert_eq!(outbox.append(&shared, 1), Ok(1));
        assert_eq!(client.hear().await, "answer");
        assert_eq!(client.hear().await, "shared");
        let Intent::Written { mark: 1, .. } = stage.next().await else { panic!("not written") };
        assert!(outbox.is_empty());
        assert_eq!(outbox.held_bytes(), 0, "an idle connection holds no buffer");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_counted_as_delivery_is_not_reported() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, conn, outbox) = stage.open_known(1 << 16).await;
        outbox.append_text(b"ack", 0).expect("room");
        assert_eq!(client.hear().await, "ack");
        drop(client);
        assert_eq!(stage.closed(conn).await, Ended::Lost);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_proven_by_its_pong_and_by_nothing_else() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, conn, outbox) = stage.open_known(1 << 16).await;
        outbox.append_text(b"entry", 1).expect("room");
        outbox.probe(7).expect("room");
        assert_eq!(client.hear().await, "entry");
        assert_eq!(client.read_frame().await, (0x89, 7u64.to_be_bytes().to_vec()));
        let Intent::Written { mark: 1, .. } = stage.next().await else { panic!("not written") };

        client.write(&frame(0x8a, &8u64.to_be_bytes())).await;
        client.write(&frame(0x8a, b"")).await;
        client.write(&frame(0x8a, &7u64.to_be_bytes())).await;
        client.write(&frame(0x8a, &7u64.to_be_bytes())).await;
        let Intent::Proven { conn: by, probe: 7 } = stage.next().await else {
            panic!("not proven")
        };
        assert_eq!(by, conn);
        drop(client);
        assert_eq!(stage.closed(conn).await, Ended::Lost);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_proven_while_what_follows_it_still_waits() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, _, outbox) = stage.open_known(64).await;
        outbox.probe(1).expect("room");
        outbox.append_text(&[b'x'; 1000], 1).expect("room");
        assert_eq!(client.read_frame().await, (0x89, 1u64.to_be_bytes().to_vec()));
        client.write(&frame(0x8a, &1u64.to_be_bytes())).await;
        let Intent::Proven { probe: 1, .. } = stage.next().await else { panic!("not proven") };
        assert_eq!(client.hear().await.len(), 1000);
        let Intent::Written { mark: 1, .. } = stage.next().await else { panic!("not written") };
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_task_is_cut_takes_nothing_any_more() {
    on_stage(async || {
        let (client, server) = tokio::io::duplex(1 << 16);
        let mut stage = Stage::new(|_| {});
        let peer = "127.0.0.1".parse().expect("an address");
        let permit = stage.door.enter(peer).expect("room");
        let task = tokio::task::spawn_local(Rc::clone(&stage.door).serve(server, peer, permit));
        let mut client = Client { stream: client };
        client.upgrade().await;
        let Intent::Opened { conn, outbox, .. } = stage.next().await else { panic!("not opened") };
        task.abort();
        assert_eq!(stage.closed(conn).await, Ended::Lost);
        assert_eq!(outbox.append_text(b"x", 1), Err(Refused::Closing));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_close_of_the_engine_comes_after_what_was_queued() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, conn, outbox) = stage.open_known(1 << 10).await;
        let long = "x".repeat(100_000);
        outbox.append_text(long.as_bytes(), 1).expect("room");
        outbox.close(CloseCode::RESTART, "the hub restarts");
        assert_eq!(outbox.append_text(b"late", 1), Err(Refused::Closing));
        assert_eq!(client.hear().await, long);
        assert_eq!(client.hear_close().await, (1012, "the hub restarts".to_owned()));
        let Intent::Written { mark: 1, .. } = stage.next().await else { panic!("not written") };
        assert_eq!(stage.closed(conn).await, Ended::ByHub);
        assert!(stage.intents.is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_close_of_the_peer_is_answered_after_the_answers_that_are_ready() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, conn, outbox) = stage.open_known(1 << 16).await;
        let answering = tokio::task::spawn_local(async move {
            let frames = stage.next().await;
            outbox.append_text(b"ack", 0).expect("still open");
            (stage, frames)
        });
        client.write(&[frame(0x81, b"last words"), frame(0x88, b"\x03\xe8")].concat()).await;
        assert_eq!(client.hear().await, "ack");
        assert_eq!(client.hear_close().await, (1000, String::new()));
        let (mut stage, frames) = answering.await.expect("no panic");
        let Intent::Frames { frames, .. } = frames else { panic!("no frames") };
        assert_eq!(texts(frames), ["last words"]);
        assert_eq!(stage.closed(conn).await, Ended::ByPeer);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn appends_to_a_connection_that_is_over_are_refused() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (client, conn, outbox) = stage.open_known(1 << 16).await;
        drop(client);
        assert_eq!(stage.closed(conn).await, Ended::Lost);
        assert_eq!(outbox.append_text(b"x", 1), Err(Refused::Closing));
        assert_eq!(outbox.held_bytes(), 0);
        assert_eq!(stage.door.admission().open(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_full_engine_stops_the_reading_and_loses_nothing() {
    on_stage(async || {
        let mut stage = Stage::new(|limits| limits.batch_frames_max = 3);
        let (mut client, conn, _outbox) = stage.open_known(1 << 10).await;
        let sending = tokio::task::spawn_local(async move {
            for number in 0..5_000 {
                client.say(&number.to_string()).await;
            }
            client
        });
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!sending.is_finished(), "nobody takes the intents, so nobody reads the socket");
        assert_eq!(stage.intents.len(), stage.intents.max_capacity());
        let mut next = 0;
        while next < 5_000 {
            let Intent::Frames { frames, .. } = stage.next().await else { panic!("no frames") };
            assert!(frames.len() <= 3);
            for frame in texts(frames) {
                assert_eq!(frame, next.to_string());
                next += 1;
            }
        }
        drop(sending.await.expect("no panic"));
        assert_eq!(stage.closed(conn).await, Ended::Lost);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_connection_gets_one_frame_through_and_then_waits_for_its_answer() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, _, outbox) = stage.open(1 << 16).await;
        client
            .write(&[frame(0x81, b"who?"), frame(0x81, b"auth"), frame(0x81, b"join")].concat())
            .await;
        let one = |intent| match intent {
            Intent::Frames { frames, .. } => texts(frames).join(" "),
            other => panic!("{other:?}"),
        };
        assert_eq!(one(stage.next().await), "who?");
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(stage.intents.is_empty());
        outbox.append_text(b"error", 0).expect("room");
        assert_eq!(one(stage.next().await), "auth");
        outbox.authenticate();
        assert_eq!(one(stage.next().await), "join");
        assert_eq!(client.hear().await, "error");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bearer_of_the_upgrade_is_answered_before_the_first_frame_is_read() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let mut client = stage.dial();
        let upgrade = UPGRADE.replace("\r\n\r\n", "\r\nAuthorization: bearer bh_bot_1\r\n\r\n");
        client.write(&[upgrade.into_bytes(), frame(0x81, b"early")].concat()).await;
        assert!(client.read_head().await.starts_with("HTTP/1.1 101"));
        let Intent::Opened { bearer, outbox, peer, .. } = stage.next().await else {
            panic!("not opened")
        };
        assert_eq!(bearer.expect("a token").expose(), "bh_bot_1");
        assert!(peer.is_loopback());
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(stage.intents.is_empty());
        outbox.authenticate();
        let Intent::Frames { frames, .. } = stage.next().await else { panic!("no frames") };
        assert_eq!(texts(frames), ["early"], "what came with the upgrade request is not lost");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_size_that_a_message_may_have_grows_with_authentication() {
    on_stage(async || {
        let mut stage = Stage::new(|limits| limits.unauthenticated_frame_bytes_max = 100);
        let (mut client, _, outbox) = stage.open(1 << 16).await;
        client.write(&[frame(0x81, b"auth"), frame(0x81, &[b'x'; 101])].concat()).await;
        let Intent::Frames { .. } = stage.next().await else { panic!("no frames") };
        outbox.authenticate();
        let Intent::Frames { frames, .. } = stage.next().await else { panic!("no frames") };
        assert_eq!(texts(frames)[0].len(), 101);

        let (mut stranger, conn, _) = stage.open(1 << 16).await;
        stranger.write(&frame(0x81, &[b'x'; 101])).await;
        assert_eq!(stranger.hear_close().await.0, 1009);
        assert_eq!(stage.closed(conn).await, Ended::Violation);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_gone_ends_the_connections() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, _, _outbox) = stage.open_known(1 << 16).await;
        drop(stage.intents);
        client.say("anyone?").await;
        assert_eq!(client.hear_close().await.0, 1012);
    })
    .await;
}
