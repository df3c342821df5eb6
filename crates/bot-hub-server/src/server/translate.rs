//! Translates the configuration into the settings of each part.
//!
//! Owns the arithmetic between settings and bounds. Validates nothing: the configuration did.

use std::rc::Rc;

use bot_hub_core::io::Input;
use bot_hub_core::settings::Settings;
use bot_protocol::frame::operator::Retention;
use bot_protocol::limits::Limits;

use crate::config::{self, ByteSize, Config, Loaded, StoreKind};
use crate::door::{DoorConfig, DoorLimits};
use crate::engine::Reconfiguration;
use crate::engine::audit::{Acts, Kept};
use crate::engine::credential::hash_token;

/// How many entries per room the memory store keeps at most: a thousand rooms with a thousand short
/// messages each use about half a gigabyte.
const ENTRIES_IN_MEMORY_MAX: u64 = 1_000;

/// The same in bytes: a thousand messages of one kibibyte. Longer messages would use gigabytes and be
/// written to memory outside of every cache.
const BYTES_IN_MEMORY_MAX: u64 = 1024 * 1024;

pub(super) fn limits(config: &Config) -> Limits {
    let it = &config.limits;
    Limits {
        frame_bytes: bytes(it.frame_bytes),
        text_bytes: bytes(it.text_bytes),
        meta_bytes: bytes(it.meta_bytes),
        json_depth: it.json_depth,
        rooms_per_bot: it.rooms_per_bot,
        members_per_room: it.members_per_room,
        window_entries: it.window_entries,
        history_page: it.history_page_max,
        buffer_per_bot_per_room: it.buffer_per_bot_per_room,
        rooms_made_per_bot: Some(it.rooms_made_per_bot),
        rooms_max: Some(it.rooms_max),
        bytes_per_bot_per_day: Some(it.bytes_per_bot_per_day.get()),
        bytes_per_guest_per_day: Some(it.bytes_per_guest_per_day.get()),
        side_connections_per_bot: Some(it.side_connections_per_bot),
        wire_bytes: None,
    }
    .for_any_escaping()
}

pub(super) fn settings(config: &Config) -> Settings {
    Settings {
        limits: limits(config),
        retention: retention(config, &config.retention),
        create_rooms_on_join: config.create_rooms_on_join,
        guests_reach_all: config.guests_reach_all,
        // Half of the outbox: acknowledgements and errors need room too.
        outstanding_bytes_max: config.limits.outbox_bytes.as_usize() / 2,
        ..Settings::default()
    }
}

pub(super) fn reconfiguration(config: &Config) -> Reconfiguration {
    let tokens = config.tokens.iter();
    let tokens = tokens
        .map(|(token, entry)| (hash_token(token.reveal()), entry.bot_id.clone(), entry.disabled));
    Reconfiguration {
        settings: settings(config),
        tokens: tokens.collect(),
        operators: config.operators.clone(),
        public_url: config.public_url().map(ToString::to_string),
        free_disk_reserve: config.limits.free_disk_reserve.get(),
        auth_failures_per_minute: config.limits.auth_failures_per_minute,
        rooms: rooms(config),
        acts: Acts { kept: kept(config), changed: Vec::new() },
        stored: None,
    }
}

fn kept(config: &Config) -> Kept {
    let config::Audit { age, entries } = &config.audit;
    Kept { age_ms: age.map(config::Period::as_ms), entries: *entries }
}

fn rooms(config: &Config) -> Vec<Input> {
    let declared = config.rooms.iter().map(|(name, room)| Input::RoomDeclared {
        room: name.clone(),
        members: room.members.clone(),
        closed: !room.open,
        retain: Some(retention(config, &config.retention_of(name))),
    });
    declared.collect()
}

fn retention(config: &Config, it: &config::Retention) -> Retention {
    let bounded = |configured: Option<u64>, max: u64| match config.store.kind {
        StoreKind::Sqlite => configured,
        StoreKind::Memory => Some(configured.unwrap_or(max).min(max)),
    };
    Retention {
        age_ms: it.age.map(config::Period::as_ms),
        entries: bounded(it.entries, ENTRIES_IN_MEMORY_MAX),
        bytes: bounded(it.bytes.map(ByteSize::get), BYTES_IN_MEMORY_MAX),
    }
}

pub(super) fn door(loaded: &Loaded) -> DoorConfig {
    let config = &loaded.config;
    let (limits, timeouts) = (&config.limits, &config.timeouts);
    let defaults = DoorLimits::default();
    let outbox_bytes_max = limits.outbox_bytes.as_usize();
    let limits = DoorLimits {
        header_bytes_max: limits.header_bytes.as_usize(),
        request: timeouts.handshake.get(),
        auth: timeouts.auth.get(),
        frame_bytes_max: self::limits(config).wire_bytes_max(),
        fragments_max: limits.fragments_per_message,
        control_frames_per_s_max: limits.control_frames_per_second,
        outbox_bytes_max,
        outbox_high_water_bytes: outbox_bytes_max / 4,
        heartbeat: timeouts.ping.get(),
        silence: timeouts.dead.get(),
        write_stall: timeouts.write_stall.get(),
        // A tenth of the time remains for the store and the process to end.
        drain: timeouts.drain.get() * 9 / 10,
        connections_max: limits.connections_max as usize,
        connections_per_address_max: limits.connections_per_address as usize,
        unauthenticated_max: limits.unauthenticated_max as usize,
        // One address, perhaps a proxy for many clients, leaves half of the places to others.
        unauthenticated_per_address_max: (limits.unauthenticated_max as usize).div_ceil(2),
        unauthenticated_keep: timeouts.auth.get() / 10,
        ..defaults
    };
    let origins = config.allowed_origins.iter();
    DoorConfig {
        limits: Rc::new(limits),
        // The configuration has checked them.
        allowed_origins: origins.filter_map(|origin| origin.parse().ok()).collect(),
        public_url: config.public_url().cloned(),
        names: config.tls.acme.domains.clone(),
        plugin: loaded.data_dir.as_ref().map(|dir| dir.join("plugin.tgz")),
        trusted_proxies: config.trust_proxies.clone(),
    }
}

/// Sizes of this kind are bounded at 16 MiB by the configuration.
fn bytes(size: ByteSize) -> u32 {
    u32::try_from(size.get()).unwrap_or(u32::MAX)
}
