//! Every metric of the hub: its name, its help and where its number comes from.
//!
//! Owns the names; `docs/monitoring.md` explains them, and a test compares the two.

use bot_hub_core::{Gauges, Hub, Stats};
use bot_protocol::code::Code;
use bot_protocol::receipt::ReceiptState;

use super::page::Page;
use super::surroundings::{Process, Sockets, StoreSpace};
use super::{Metrics, Surroundings};

/// What the engine knows beyond its counters.
pub(in crate::engine) struct Now<'a> {
    pub(in crate::engine) hub: &'a Hub,
    pub(in crate::engine) version: &'a str,
    /// Connections that receive and understand receipts; that receive as the original hub's clients
    /// do; that only send and ask.
    pub(in crate::engine) connections: [u64; 3],
    /// Bytes that wait to be written: altogether, and for the connection that is owed most.
    pub(in crate::engine) outbox_bytes: [u64; 2],
    pub(in crate::engine) draining: bool,
    pub(in crate::engine) age_waits: bool,
    pub(in crate::engine) surroundings: Surroundings,
}

impl Metrics {
    pub(in crate::engine) fn render(&self, now: &Now<'_>) -> String {
        let mut page = Page(String::with_capacity(16_384));
        let (stats, gauges) = (now.hub.stats(), now.hub.gauges());
        let build = ("build_info", "The running version.");
        page.labelled("gauge", build, "version", [(now.version, 1.0)]);
        self.connections(&mut page, now);
        self.refusals(&mut page);
        messages(&mut page, stats, &gauges);
        page.histogram("delivery_age_seconds", "Age of entries when handed over.", &self.ages);
        losses(&mut page, stats);
        self.store(&mut page, now);
        let surroundings = &now.surroundings;
        surroundings.sockets.iter().for_each(|it| sockets(&mut page, it));
        surroundings.process.iter().for_each(|it| process(&mut page, it));
        let help = "How often the clock was set, or the machine slept, while the hub ran.";
        page.counter("clock_jumps_total", help, self.clock_jumps);
        let waits = f64::from(u8::from(now.age_waits));
        let help = "1 while nothing is removed because of its age, since the clock is not trusted.";
        page.gauge("retention_waits", help, waits);
        let help = "Lines of the log that were dropped because nobody read stderr in time.";
        page.counter("log_lines_dropped_total", help, surroundings.log_lines_dropped);
        page.gauge("rooms", "Rooms, direct conversations not counted.", gauges.rooms as f64);
        pauses(&mut page, now.hub);
        let reloads = ["applied", "rejected"].into_iter().zip(self.reloads.map(|it| it as f64));
        let help = ("config_reload_total", "Reloads of the configuration, by outcome.");
        page.labelled("counter", help, "outcome", reloads);
        page.gauge(
            "draining",
            "1 while the hub is on its way out.",
            f64::from(u8::from(now.draining)),
        );
        page.0
    }

    fn connections(&self, page: &mut Page, now: &Now<'_>) {
        let all: u64 = now.connections.iter().sum();
        page.gauge("connections", "Authenticated connections.", all as f64);
        let kinds = ["receipts", "plain", "side"].into_iter();
        let kinds = kinds.zip(now.connections.map(|count| count as f64));
        let help = (
            "connections_by_kind",
            "Authenticated connections: readers with receipts, plain readers, and side connections.",
        );
        page.labelled("gauge", help, "kind", kinds);
        page.counter("connections_opened_total", "WebSocket connections opened.", self.opened);
        let causes =
            ["by_hub", "by_peer", "lost", "violation", "auth_timeout", "silent", "stalled"];
        let causes = causes.into_iter().zip(self.ended.map(|count| count as f64));
        let help = ("connections_ended_total", "WebSocket connections ended, by cause.");
        page.labelled("counter", help, "cause", causes);
        let help = "Connections taken over by a newer one.";
        page.counter("replaced_total", help, now.hub.stats().replaced);
        let help = "Connections closed because they did not read.";
        page.counter("too_slow_total", help, self.too_slow);
        let help = "Times that a connection was not read, because it took more than its share.";
        page.counter("connections_slowed_total", help, self.slowed);
        let help = "Seconds that connections were not read for that reason.";
        page.seconds("connections_slowed_seconds_total", help, self.slowed_for);
        let [all, max] = now.outbox_bytes.map(|bytes| bytes as f64);
        page.gauge("outbox_bytes", "Bytes that wait for sockets to take them.", all);
        page.gauge("outbox_max_bytes", "The same, of the connection that is owed most.", max);
    }

    fn refusals(&self, page: &mut Page) {
        page.counter("auth_failures_total", "Authentications refused.", self.auth_failures);
        page.counter("frames_total", "Frames of authenticated clients.", self.frames);
        let refusals = Code::ALL.iter().zip(self.refusals);
        let refusals = refusals.map(|(code, count)| (code.name(), count as f64));
        let help = ("refusals_total", "Answers of the kind `error`, by the name of their code.");
        page.labelled("counter", help, "code", refusals);
    }

    fn store(&self, page: &mut Page, now: &Now<'_>) {
        let help = "Time from submission to durability, with the wait for the disk.";
        page.histogram("store_commit_seconds", help, &self.commits);
        if let Some([writes, seconds]) = &now.surroundings.transactions {
            page.histogram("store_batch_writes", "Writes per transaction of the store.", writes);
            let help = "Duration of a transaction of the store, its sync included.";
            page.histogram("store_transaction_seconds", help, seconds);
        }
        let help = "Writes that the store has not answered.";
        page.gauge("store_unsettled_writes", help, self.unsettled as f64);
        page.counter(
            "store_refusals_total",
            "Batches that the store refused.",
            self.store_refusals,
        );
        let help = "Changes that the store refused and that are tried again.";
        page.gauge("store_refused_waiting", help, now.hub.gauges().refused_changes as f64);
        let is_full = f64::from(u8::from(self.store_is_full));
        page.gauge("store_full", "1 while the disk is full and messages are refused.", is_full);
        let reserved = f64::from(u8::from(now.hub.disk_left().is_some()));
        let help = "1 while the last space of the disk is kept, and messages are refused.";
        page.gauge("store_reserved", help, reserved);
        now.surroundings.store.iter().for_each(|it| space(page, it));
    }
}

fn pauses(page: &mut Page, hub: &Hub) {
    let by = ["person", "rule"];
    let counts = ["all", "room", "bot", "member"].into_iter().zip(hub.pause_counts());
    let labels = counts.flat_map(|(scope, counts)| {
        let of = move |(by, count)| (format!("scope=\"{scope}\",by=\"{by}\""), count as f64);
        by.into_iter().zip(counts).map(of)
    });
    let help = "Pauses that hold, by what they hold and by who paused.";
    page.labelled_by("gauge", ("pauses", help), labels);
}

fn messages(page: &mut Page, stats: &Stats, gauges: &Gauges) {
    let counters = [
        ("messages_accepted_total", "Messages committed.", stats.accepted),
        ("messages_duplicate_total", "Messages that had been committed before.", stats.duplicates),
        ("frames_refused_total", "Frames answered with an error.", stats.refused),
        ("deliveries_total", "Entries handed to connections.", stats.deliveries),
        ("redeliveries_total", "Entries handed over again.", stats.redeliveries),
        ("received_total", "Entries that clients took responsibility for.", stats.received),
    ];
    for (name, help, value) in counters {
        page.counter(name, help, value);
    }
    let reported = ReceiptState::ALL.iter().filter(|state| state.is_reported_by_client());
    let reported = reported.map(|&state| {
        let received = state == ReceiptState::Received;
        let count = if received { stats.received } else { stats.reported[state as usize] };
        (state, count as f64)
    });
    let help = ("receipts_total", "What recipients said of entries, by state.");
    page.labelled("counter", help, "state", reported);
    let help = "Entries not yet received, summed over members.";
    page.gauge("messages_pending", help, gauges.waiting as f64);
    let oldest = gauges.oldest_waiting_ms as f64 / 1_000.0;
    page.gauge("oldest_pending_seconds", "Age of the oldest entry not yet received.", oldest);
}

fn losses(page: &mut Page, stats: &Stats) {
    let counters = [
        ("dropped_total", "Entries lost to a reader by a limit or the retention.", stats.dropped),
        ("expired_total", "Entries that expired before delivery.", stats.expired),
        ("dead_letters_total", "Entries given up after too many redeliveries.", stats.dead),
        ("corrupt_entries_total", "Damaged entries that were withheld.", stats.corrupt),
        (
            "facts_forgotten_total",
            "Facts about entries that a full disk made the hub forget, and losses not told one by one.",
            stats.forgotten,
        ),
    ];
    for (name, help, value) in counters {
        page.counter(name, help, value);
    }
}

fn space(page: &mut Page, it: &StoreSpace) {
    page.gauge("store_bytes", "Size of the database.", it.bytes as f64);
    page.gauge("store_log_bytes", "Size of the database's log of changes.", it.log_bytes as f64);
    page.gauge("store_free_bytes", "Free space on the disk of the store.", it.free_bytes as f64);
}

fn sockets(page: &mut Page, it: &Sockets) {
    page.gauge("sockets", "Open sockets of any kind.", it.open as f64);
    let help = "Open sockets that have not authenticated.";
    page.gauge("sockets_unauthenticated", help, it.unauthenticated as f64);
    let help = "Sockets turned away because a limit was reached.";
    page.counter("sockets_turned_away_total", help, it.turned_away);
}

fn process(page: &mut Page, it: &Process) {
    let help = "Processor time used, in seconds.";
    page.standard("counter", "process_cpu_seconds_total", help, it.cpu_seconds);
    let help = "Memory in use, in bytes.";
    page.standard("gauge", "process_resident_memory_bytes", help, it.resident_bytes as f64);
    page.standard("gauge", "process_open_fds", "Open files and sockets.", it.open_fds as f64);
    let help = "How many files and sockets may be open.";
    page.standard("gauge", "process_max_fds", help, it.max_fds as f64);
    let help = "When the process was started, in seconds since 1970.";
    page.standard("gauge", "process_start_time_seconds", help, it.started_at);
}
