//! Many connections driven by one thread: opening them, reading, parsing, writing. It hands events to a
//! [`Listener`] and never decides what is said after the greeting.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::{
    event::epoll::{self, EventData, EventFlags},
    io::Errno,
    net::{AddressFamily, SocketFlags, SocketType},
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    },
};

use crate::dialect::{Dialect, Event, Part, Tongue};

/// Bytes that one read may bring: large enough to make system calls rare, small enough to stay in the cache.
const READ_BYTES: usize = 256 * 1024;
/// Readiness reports taken at once.
const EVENTS_MAX: usize = 256;
/// Loopback addresses that connections come from.
const SOURCES: usize = 250;
const TIMER: u64 = u64::MAX;

/// Who wants to know.
pub trait Listener {
    /// Bytes of `link` were read at this moment; its events follow.
    fn read_at(&mut self, link: usize, now: Instant);
    /// One event of `link`; positions in it refer to `input`.
    fn event(&mut self, link: usize, event: Event, input: &[u8]) -> Result<()>;
}

/// A listener for connections that only wait.
#[derive(Debug)]
pub struct Deaf;

impl Listener for Deaf {
    fn read_at(&mut self, _link: usize, _now: Instant) {}
    fn event(&mut self, _link: usize, _event: Event, _input: &[u8]) -> Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct Link {
    socket: OwnedFd,
    dialect: Dialect,
    /// Start of a unit whose rest has not arrived.
    held: Vec<u8>,
    /// What waits to be written.
    out: Vec<u8>,
    dirty: bool,
    /// Whether the poller watches for room in the send buffer.
    watching_room: bool,
}

/// All connections of one run.
pub struct Fleet {
    poller: OwnedFd,
    timer: Option<OwnedFd>,
    links: Vec<Link>,
    input: Vec<u8>,
    dirty: Vec<usize>,
    ready: usize,
}

impl Fleet {
    /// No connections yet.
    pub fn new() -> Result<Self> {
        let poller = epoll::create(epoll::CreateFlags::CLOEXEC).context("create a poller")?;
        let input = vec![0; READ_BYTES];
        Ok(Self { poller, timer: None, links: Vec::new(), input, dirty: Vec::new(), ready: 0 })
    }

    /// Opens a connection for every part and returns when all are ready. At most `at_once` are under way at a time.
    pub fn open(
        &mut self,
        address: SocketAddr,
        tongue: Tongue,
        parts: &[Part],
        at_once: usize,
        deadline: Instant,
    ) -> Result<()> {
        let wanted = self.links.len() + parts.len();
        let mut parts = parts.iter();
        while self.ready < wanted {
            while self.links.len() < (self.ready + at_once).min(wanted) {
                let part = parts.next().expect("as many parts as links are wanted");
                self.connect(address, part.bot, Dialect::new(tongue, *part))?;
            }
            self.turn(Duration::from_millis(100), &mut Deaf)?;
            if Instant::now() > deadline {
                bail!("only {} of {wanted} connections were ready in time", self.ready);
            }
        }
        Ok(())
    }

    fn connect(&mut self, address: SocketAddr, bot: usize, mut dialect: Dialect) -> Result<()> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)
            .context("create a socket")?;
        rustix::net::sockopt::set_tcp_nodelay(&socket, true)?;
        if let IpAddr::V4(Ipv4Addr::LOCALHOST) = address.ip() {
            rustix::net::bind(&socket, &SocketAddr::from((source(bot), 0)))?;
        }
        match rustix::net::connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error).context("connect"),
        }
        let mut out = Vec::new();
        dialect.greet(&mut out);
        let id = self.links.len();
        let interest = EventFlags::IN | EventFlags::OUT;
        epoll::add(&self.poller, &socket, EventData::new_u64(id as u64), interest)?;
        let held = Vec::new();
        self.links.push(Link { socket, dialect, held, out, dirty: false, watching_room: true });
        Ok(())
    }

    /// Makes [`Fleet::turn`] return a count of ticks from now on, one every `interval`.
    pub fn tick_every(&mut self, interval: Duration) -> Result<()> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        let step = Timespec::try_from(interval)?;
        let plan = Itimerspec { it_interval: step, it_value: step };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &plan)?;
        epoll::add(&self.poller, &timer, EventData::new_u64(TIMER), EventFlags::IN)?;
        self.timer = Some(timer);
        Ok(())
    }

    /// Waits for input (at most `wait`), handles all of it and returns the ticks that passed.
    pub fn turn(&mut self, wait: Duration, listener: &mut impl Listener) -> Result<u64> {
        let mut events = [const { std::mem::MaybeUninit::uninit() }; EVENTS_MAX];
        let wait = Timespec::try_from(wait)?;
        let (events, _) = match epoll::wait(&self.poller, &mut events, Some(&wait)) {
            Err(Errno::INTR) => return Ok(0),
            other => other.context("poll")?,
        };
        let mut ticks = 0;
        for event in events {
            let (flags, id) = (event.flags, event.data.u64());
            if id == TIMER {
                ticks += self.read_timer()?;
                continue;
            }
            let id = usize::try_from(id)?;
            if flags.contains(EventFlags::OUT) {
                self.mark(id);
            }
            if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
                self.read(id, listener)?;
            }
        }
        self.flush()?;
        Ok(ticks)
    }

    fn read_timer(&self) -> Result<u64> {
        let Some(timer) = &self.timer else { return Ok(0) };
        let mut count = [0; 8];
        match rustix::io::read(timer, &mut count) {
            Err(Errno::AGAIN) => Ok(0),
            other => other.map(|_| u64::from_ne_bytes(count)).context("read the timer"),
        }
    }

    fn read(&mut self, id: usize, listener: &mut impl Listener) -> Result<()> {
        let link = &mut self.links[id];
        let held = link.held.len();
        if self.input.len() < held + READ_BYTES / 2 {
            self.input.resize(held + READ_BYTES, 0);
        }
        self.input[..held].copy_from_slice(&link.held);
        let count = match rustix::io::read(&link.socket, &mut self.input[held..]) {
            Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
            Ok(0) => bail!("the server closed connection {id} without a word"),
            other => other.with_context(|| format!("read from connection {id}"))?,
        };
        listener.read_at(id, Instant::now());
        let input = &self.input[..held + count];
        let mut at = 0;
        while let Some((used, event)) = link.dialect.next(&input[at..], &mut link.out)? {
            if event == Event::Ready {
                self.ready += 1;
            }
            listener.event(id, event, &input[at..])?;
            at += used;
        }
        link.held.clear();
        link.held.extend_from_slice(&input[at..]);
        if !self.links[id].out.is_empty() {
            self.mark(id);
        }
        Ok(())
    }

    /// Where to append what `link` shall say; it is written at the next [`Fleet::flush`].
    #[inline]
    pub fn out(&mut self, link: usize) -> &mut Vec<u8> {
        self.mark(link);
        &mut self.links[link].out
    }

    fn mark(&mut self, id: usize) {
        if !self.links[id].dirty {
            self.links[id].dirty = true;
            self.dirty.push(id);
        }
    }

    /// Writes what waits, once per connection.
    pub fn flush(&mut self) -> Result<()> {
        for id in std::mem::take(&mut self.dirty) {
            let link = &mut self.links[id];
            link.dirty = false;
            match rustix::io::write(&link.socket, &link.out) {
                Ok(count) if count == link.out.len() => link.out.clear(),
                Ok(count) => drop(link.out.drain(..count)),
                Err(Errno::AGAIN | Errno::INTR | Errno::NOTCONN) => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("write to connection {id}"));
                }
            }
            watch_room(&self.poller, id, link)?;
        }
        Ok(())
    }
}

/// Clients come from many addresses: limits per address, which every public server needs, stay out of the way.
fn source(bot: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 1, 0, (bot % SOURCES) as u8 + 1)
}

/// Asks for a report when there is room to write, exactly while something waits.
fn watch_room(poller: &OwnedFd, id: usize, link: &mut Link) -> Result<()> {
    let wanted = !link.out.is_empty();
    if wanted != link.watching_room {
        link.watching_room = wanted;
        let room = if wanted { EventFlags::OUT } else { EventFlags::empty() };
        epoll::modify(poller, &link.socket, EventData::new_u64(id as u64), EventFlags::IN | room)?;
    }
    Ok(())
}
