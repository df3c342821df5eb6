//! Checks that concern several settings together.
//!
//! Owns the rules between settings, and the warnings. Single values were checked before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bot_protocol::name::BotId;

use super::node::{Node, Origins, Value};
use super::problem::{Origin, Path, Problem, Segment};
use super::settings::{Config, StoreKind};
use super::tls::Acme;

/// A shorter timeout would only measure the machine's load.
const TIMEOUT_MIN: Duration = Duration::from_millis(100);

/// A longer timeout is useless.
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3600);

/// How many warnings of one kind are reported one by one; the others are counted.
const TOLD_MAX: usize = 10;

const CLOSED_TO_ALL: &str = "name its `members`, or set `open: true`";

/// Collects findings; the tree says where each setting was written.
struct Judge<'a> {
    config: &'a Config,
    tree: &'a Node,
    origins: Origins<'a>,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
}

/// Errors and warnings of a configuration whose single values are all in order.
pub(super) fn judge(config: &Config, tree: &Node) -> (Vec<Problem>, Vec<Problem>) {
    let mut judge = Judge {
        config,
        tree,
        origins: Origins::of(tree),
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    judge.addresses();
    judge.public_url();
    judge.tokens();
    judge.bots();
    judge.rooms();
    judge.store();
    judge.tls();
    judge.limits();
    judge.timeouts();
    (judge.errors, judge.warnings)
}

impl Judge<'_> {
    fn origin(&self, path: &Path) -> Origin {
        self.origins.origin_of(path).cloned().unwrap_or(Origin::DEFAULT)
    }

    fn error(&mut self, path: &Path, message: impl Into<String>, hint: impl Into<String>) {
        self.errors.push(Problem::new(&self.origin(path), path, message, hint));
    }

    fn warn(&mut self, path: &Path, message: impl Into<String>, hint: impl Into<String>) {
        self.warnings.push(Problem::new(&self.origin(path), path, message, hint));
    }

    fn addresses(&mut self) {
        let addresses = self.config.addresses();
        let listen = Path::from("listen");
        for (at, address) in addresses.iter().enumerate() {
            let path = listen.then(Segment::Index(at));
            if address.port() != 0 && addresses[..at].contains(address) {
                self.error(&path, format!("`{address}` is named twice"), "keep one of the two");
            }
        }
        // A contradiction only if both come from one source: flags are meant to override the file.
        let both_here = self.tree.get("port").is_some()
            && self.origin(&Path::from("port")).source == self.origin(&listen).source;
        if self.config.listen.is_some()
            && both_here
            && addresses.iter().all(|address| address.port() != self.config.port)
        {
            let hint = "remove `port`, or listen on it";
            self.warn(
                &Path::from("port"),
                "has no effect, because `listen` names other ports",
                hint,
            );
        }
    }

    fn public_url(&mut self) {
        let url = self.config.public_url();
        if url.is_some_and(|url| !url.is_encrypted() && !url.is_loopback()) {
            let hint = "use `https://`; docs/expose.md says how";
            let message = "tokens and messages can be read on the way to this address";
            self.warn(&Path::from("publicUrl"), message, hint);
        }
    }

    fn tokens(&mut self) {
        for token in self.config.tokens.keys() {
            let text = token.reveal();
            let path = &Path::from("tokens").then(Segment::Secret(text.to_owned()));
            if token.is_weak() {
                let hint = "use at least 16 random characters";
                self.warn(path, "this token is short enough to be guessed", hint);
            }
            if text.trim() != text || text.chars().any(char::is_control) {
                let hint = "was it copied with the end of its line?";
                self.warn(path, "this token has white space or control characters around it", hint);
            }
        }
    }

    /// Warns of bots in a list without a token here. They may exist in the store, so this is no error, but
    /// a typing error is more likely.
    fn bots(&mut self) {
        let config = self.config;
        let mut unknown = 0;
        let known: BTreeSet<_> = config.tokens.values().map(|entry| &entry.bot_id).collect();
        let operators = Path::from("operators");
        self.named(&config.operators, &known, &operators, &mut unknown);
        for (room, settings) in &config.rooms {
            let path = Path::from("rooms").key(room.as_str()).key("members");
            self.named(&settings.members, &known, &path, &mut unknown);
        }
        if unknown > TOLD_MAX {
            let message = format!("no token here belongs to {} more members", unknown - TOLD_MAX);
            let hint = "fine if `bot-hub bot add` made them";
            self.warn(&Path::from("rooms"), message, hint);
        }
    }

    /// Warns of the first bots that have no token here; the others are counted in `unknown`.
    fn named(
        &mut self,
        bots: &[BotId],
        known: &BTreeSet<&BotId>,
        path: &Path,
        unknown: &mut usize,
    ) {
        let mut seen = BTreeSet::new();
        for (at, bot) in bots.iter().enumerate() {
            let here = || path.then(Segment::Index(at));
            if !seen.insert(bot) {
                self.warn(&here(), format!("`{bot}` is named twice"), "keep one of the two");
            } else if !known.contains(bot) && !known.is_empty() {
                *unknown += 1;
                if *unknown > TOLD_MAX {
                    continue;
                }
                let names = known.iter().map(|bot| bot.as_str());
                let hint = match bot_protocol::suggest::nearest(bot.as_str(), names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("fine if `bot-hub bot add {bot}` made it, else add a token"),
                };
                self.warn(&here(), format!("no token here belongs to `{bot}`"), hint);
            }
        }
    }

    fn rooms(&mut self) {
        let limits = &self.config.limits;
        let (members_max, rooms_max) = (limits.members_per_room, limits.rooms_per_bot);
        let mut rooms_of: BTreeMap<&BotId, u32> = BTreeMap::new();
        let config = self.config;
        let bots: BTreeSet<&str> = config.tokens.values().map(|it| it.bot_id.as_str()).collect();
        let mut closed_to_all = 0;
        for (room, settings) in &config.rooms {
            let path = Path::from("rooms").key(room.as_str());
            let members = &settings.members;
            if bots.contains(room.as_str()) {
                let message = format!("`{room}` is the name of a bot, too");
                self.error(&path, message, "a room cannot have the name of a bot: rename one");
            }
            if members.is_empty() && !settings.open {
                closed_to_all += 1;
                if closed_to_all <= TOLD_MAX {
                    self.warn(&path, "nobody can join this room", CLOSED_TO_ALL);
                }
            }
            if members.len() as u64 > u64::from(members_max) {
                let message = format!("{} members, and the limit is {members_max}", members.len());
                self.error(&path.key("members"), message, "raise `limits.membersPerRoom`");
            }
            for bot in members {
                let rooms = rooms_of.entry(bot).or_default();
                *rooms += 1;
                if *rooms == rooms_max.saturating_add(1) {
                    let message = format!("`{bot}` is in more than {rooms_max} rooms");
                    self.error(&path.key("members"), message, "raise `limits.roomsPerBot`");
                }
            }
        }
        if closed_to_all > TOLD_MAX {
            let message = format!("nobody can join {} more rooms", closed_to_all - TOLD_MAX);
            self.warn(&Path::from("rooms"), message, CLOSED_TO_ALL);
        }
    }

    fn store(&mut self) {
        let path = Path::from("store.path");
        let given = self.tree.origin_of(&path).is_some() && self.config.store.path.is_some();
        if self.config.store.kind == StoreKind::Memory && given {
            let hint = "remove it, or set `store.kind` to \"sqlite\"";
            self.warn(&path, "has no effect: the memory store keeps nothing on disk", hint);
        }
    }

    fn tls(&mut self) {
        let config = self.config;
        let (tls, acme) = (&config.tls, &config.tls.acme);
        let [cert, key, domains] =
            ["tls.certFile", "tls.keyFile", "tls.acme.domains"].map(Path::from);
        match (&tls.cert_file, &tls.key_file) {
            (Some(_), None) => {
                let hint = "name the file of its private key as `tls.keyFile`";
                self.error(&cert, "a certificate must come with its key", hint);
            }
            (None, Some(_)) => {
                let hint = "name the file of its certificate as `tls.certFile`";
                self.error(&key, "a key must come with its certificate", hint);
            }
            (Some(_), Some(_)) if !acme.domains.is_empty() => {
                let hint = "keep `certFile` and `keyFile`, or `acme`";
                self.error(
                    &domains,
                    "must not stand beside `tls.certFile`: the hub has a certificate already",
                    hint,
                );
            }
            _ => {}
        }
        if acme.domains.is_empty() {
            self.acme_without_domain();
        } else {
            self.acme();
        }
    }

    /// `config init` writes an empty section, which is fine; settings in it have a purpose.
    fn acme_without_domain(&mut self) {
        let acme = &self.config.tls.acme;
        if *acme != Acme::default() {
            let hint = "add `domains: [\"hub.example.com\"]`, or remove `acme`";
            self.error(&Path::from("tls.acme"), "must name a domain", hint);
        }
    }

    fn acme(&mut self) {
        let config = self.config;
        let acme = &config.tls.acme;
        for (at, domain) in acme.domains.iter().enumerate() {
            if acme.domains[..at].contains(domain) {
                let path = Path::from("tls.acme.domains").then(Segment::Index(at));
                self.error(&path, format!("`{domain}` is named twice"), "keep one of the two");
            }
        }
        let is_address = |email: &str| {
            let parts = email.split_once('@');
            parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
                && !email.contains([':', ' ', '?'])
        };
        if acme.email.as_deref().is_some_and(|email| !is_address(email)) {
            let hint = "write it bare, for example \"me@example.com\"";
            self.error(&Path::from("tls.acme.email"), "this is not an e-mail address", hint);
        }
        let domains = Path::from("tls.acme.domains");
        if config.store.kind == StoreKind::Memory {
            let hint = "set `store.kind` to \"sqlite\", or use `tls.certFile`";
            let message = "the memory store keeps nothing, so each start would ask for a new \
                certificate, and authorities limit that";
            self.error(&domains, message, hint);
        }
        if config.addresses().iter().all(|address| address.ip().is_loopback()) {
            let hint = "set `listen: \"0.0.0.0:443\"`, or lead port 443 here in another way";
            self.warn(&domains, "the hub listens on loopback, where no authority reaches it", hint);
        }
    }

    fn limits(&mut self) {
        let limits = self.config.limits.clone();
        let size = |name, size: super::quantity::ByteSize| (name, size.get(), size.to_string());
        let count = |name, count: u32| (name, u64::from(count), count.to_string());
        let frame = size("limits.frameBytes", limits.frame_bytes);
        let connections = count("limits.connectionsMax", limits.connections_max);
        self.at_most(size("limits.textBytes", limits.text_bytes), &frame);
        self.at_most(size("limits.metaBytes", limits.meta_bytes), &frame);
        self.at_most(frame, &size("limits.outboxBytes", limits.outbox_bytes));
        self.at_most(count("limits.unauthenticatedMax", limits.unauthenticated_max), &connections);
        let address = count("limits.connectionsPerAddress", limits.connections_per_address);
        self.at_most(address, &connections);
    }

    fn timeouts(&mut self) {
        let timeouts = self.config.timeouts.clone();
        let all = [
            ("timeouts.handshake", timeouts.handshake),
            ("timeouts.auth", timeouts.auth),
            ("timeouts.ping", timeouts.ping),
            ("timeouts.dead", timeouts.dead),
            ("timeouts.writeStall", timeouts.write_stall),
            ("timeouts.drain", timeouts.drain),
        ];
        for (name, period) in all {
            if period.get() < TIMEOUT_MIN || period.get() > TIMEOUT_MAX {
                let message = format!("{period} is out of range");
                self.error(&Path::from(name), message, "write a period from 100ms to 1d");
            }
        }
        if timeouts.ping >= timeouts.dead {
            let message = format!(
                "`timeouts.ping` ({}) must be shorter than `timeouts.dead` ({})",
                timeouts.ping, timeouts.dead
            );
            let path = self.given("timeouts.ping", "timeouts.dead");
            self.error(&path, message, "`dead` is best more than twice `ping`");
        }
    }

    /// Checks that `small` does not exceed `large`; reported at the one that was set.
    fn at_most(&mut self, small: (&str, u64, String), large: &(&str, u64, String)) {
        if small.1 <= large.1 {
            return;
        }
        let path = self.given(small.0, large.0);
        let message =
            format!("`{}` ({}) must not exceed `{}` ({})", small.0, small.2, large.0, large.2);
        self.error(&path, message, format!("lower `{}`, or raise `{}`", small.0, large.0));
    }

    /// The first of two settings that is not at its default.
    fn given(&self, first: &str, second: &str) -> Path {
        let (first, second) = (Path::from(first), Path::from(second));
        if self.tree.origin_of(&first).is_some() { first } else { second }
    }
}

/// Warns of bots whose names differ only in capital letters: they are one bot.
pub(super) fn spellings(tree: &Node) -> Vec<Problem> {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    let mut warnings = Vec::new();
    let Some(tokens) = tree.get("tokens") else { return warnings };
    for entry in tokens.members() {
        let bot = entry.node.get("botId").or_else(|| entry.node.get("bot_id"));
        let Some((node, Value::Text(name))) = bot.map(|node| (node, &node.value)) else { continue };
        let known = first.entry(name.to_ascii_lowercase()).or_insert_with(|| name.clone());
        if known != name && BotId::new(name).is_ok() {
            let path = Path::from("tokens").then(Segment::Secret(entry.key.clone())).key("botId");
            let message = format!("`{name}` and `{known}` are the same bot");
            let hint = format!("spell both `{}`", name.to_ascii_lowercase());
            warnings.push(Problem::new(&node.origin, &path, message, hint));
        }
    }
    warnings
}
