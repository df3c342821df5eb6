//! Peers that mean harm. What they can make the hub hold is asserted on its own buffers.

use bot_hub_server::door::{Ended, Intent};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::stage::{Stage, frame, on_stage, texts};

/// Sends `bytes` to a connection that is known and expects the close.
async fn check_closed(bytes: &[u8], code: u16) {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, conn, _outbox) = stage.open_known(1 << 16).await;
        client.write(bytes).await;
        assert_eq!(client.hear_close().await.0, code);
        assert_eq!(stage.closed(conn).await, Ended::Violation);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn broken_frames_close_the_connection_with_their_code() {
    check_closed(b"\x81\x05hello", 1002).await;
    check_closed(&frame(0xc1, b"x"), 1002).await;
    check_closed(&frame(0x09, b""), 1002).await;
    check_closed(&frame(0x82, b"binary"), 1003).await;
    check_closed(&frame(0x81, b"\xff"), 1007).await;
    check_closed(b"\x81\xff\x40\0\0\0\0\0\0\0\0\0\0\0", 1009).await;
}

#[tokio::test(start_paused = true)]
async fn frames_before_a_broken_one_still_count() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, conn, _outbox) = stage.open_known(1 << 16).await;
        client.write(&[frame(0x81, b"good"), frame(0x82, b"bad")].concat()).await;
        let Intent::Frames { frames, .. } = stage.next().await else { panic!("no frames") };
        assert_eq!(texts(frames), ["good"]);
        assert_eq!(stage.closed(conn).await, Ended::Violation);
    })
    .await;
}

/// Writes `unit` up to `times` times, until the hub hangs up or takes no more. How often it was.
async fn flood(
    stage: &mut Stage,
    first: &[u8],
    unit: &[u8],
    times: usize,
) -> (usize, Ended, usize) {
    let (client, conn, outbox) = stage.open_known(1 << 12).await;
    let (mut read, mut write) = tokio::io::split(client.stream);
    let chunk = unit.repeat(1000);
    write.write_all(first).await.expect("room");
    let flooding = async {
        let mut units = 0;
        let mut held_bytes_max = 0;
        while units < times && write.write_all(&chunk).await.is_ok() {
            units += 1000;
            held_bytes_max = held_bytes_max.max(outbox.held_bytes());
        }
        (units, held_bytes_max)
    };
    let (flooded, why) = tokio::join!(flooding, stage.closed(conn));
    tokio::io::copy(&mut read, &mut tokio::io::sink()).await.expect("the end");
    (flooded.0, why, flooded.1)
}

#[tokio::test(start_paused = true)]
async fn a_million_empty_fragments_are_stopped() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let start = frame(0x01, b"");
        let (units, why, _) = flood(&mut stage, &start, &frame(0x00, b""), 1_000_000).await;
        assert_eq!(why, Ended::Violation);
        assert!(
            units < 200_000,
            "{units}: what is still read is thrown away, and only a megabyte of it"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_pings_is_against_the_rules() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (_, why, held) = flood(&mut stage, b"", &frame(0x89, &[b'p'; 100]), 1_000_000).await;
        assert_eq!(why, Ended::Violation);
        assert!(held <= 64 << 10, "held {held} bytes");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn pings_whose_pongs_are_never_read_do_not_grow_memory() {
    on_stage(async || {
        // Without the limit on their rate, to see the other one.
        let mut stage = Stage::new(|limits| {
            limits.control_frames_burst_max = u32::MAX;
            limits.outbox_high_water_bytes = 16 << 10;
        });
        let (units, why, held) =
            flood(&mut stage, b"", &frame(0x89, &[b'p'; 125]), 4_000_000).await;
        assert_eq!(why, Ended::Stalled, "nothing more was read, and then nothing more was written");
        assert!(held <= 96 << 10, "held {held} bytes");
        assert!(units < 10_000, "{units} pings were taken");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_asks_and_never_reads_is_no_longer_read() {
    on_stage(async || {
        let mut stage = Stage::new(|limits| limits.outbox_high_water_bytes = 4 << 10);
        let (mut client, conn, outbox) = stage.open_known(1 << 10).await;
        let mut answered = 0;
        let asking = async {
            let request = frame(0x81, b"history");
            while client.stream.write_all(&request).await.is_ok() {}
        };
        let answering = async {
            loop {
                match stage.next().await {
                    Intent::Frames { frames, .. } => {
                        for _ in frames {
                            answered += 1;
                            outbox.append_text(&[b'x'; 500], 0).expect("far from full");
                        }
                    }
                    Intent::Closed { conn: closed, why } if closed == conn => break why,
                    Intent::Written { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
        };
        let patience = std::time::Duration::from_secs(60);
        let (_, why) = tokio::join!(timeout(patience, asking), timeout(patience, answering));
        assert_eq!(why.expect("it was closed"), Ended::Stalled);
        assert!(answered < 200, "{answered} questions were read");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_announced_and_never_sent_holds_only_what_came() {
    on_stage(async || {
        let mut stage = Stage::new(|_| {});
        let (mut client, conn, outbox) = stage.open_known(1 << 16).await;
        let mut announced = frame(0x81, &[b'x'; 200_000]);
        announced.truncate(1000);
        client.write(&announced).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(outbox.held_bytes(), 0);
        assert!(stage.intents.is_empty());
        drop(client);
        assert_eq!(stage.closed(conn).await, Ended::Lost);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_costs_its_task_and_nothing_else() {
    on_stage(async || {
        let stage = Stage::new(|_| {});
        let (_client, server) = tokio::io::duplex(64);
        let peer = "127.0.0.1".parse().expect("an address");
        let permit = stage.door.enter(peer).expect("room");
        let task = std::rc::Rc::clone(&stage.door).serve(server, peer, permit);
        let bytes = size_of_val(&task);
        assert!(bytes <= 3 << 10, "{bytes} bytes");
    })
    .await;
}
