//! A workload under way: all lanes and ears, what was counted, and the three phases of a measurement
//! (warm up, measure, drain). It never starts or stops a server.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{
    dialect::{Event, Part, Tongue},
    fleet::{Fleet, Listener},
    lane::{Ear, Lane},
    latency::Histogram,
    workload::{Pace, Rooms},
};

/// How long everything in flight may take to arrive once nothing more is said.
const DRAIN: Duration = Duration::from_secs(20);
/// Longest sleep between two looks at the clock.
const WAIT: Duration = Duration::from_millis(10);

/// What was counted between the start and the end of the measuring phase.
#[derive(Debug, Default)]
pub struct Counts {
    /// Messages that reached a listener.
    pub deliveries: u64,
    /// From saying to a listener.
    pub delivery: Histogram,
    /// From saying to the confirmation.
    pub confirmation: Histogram,
}

/// All lanes of a workload.
pub struct Load {
    lanes: Vec<Lane>,
    ears: Vec<Option<Ear>>,
    speaks_on: Vec<Option<usize>>,
    listeners: u16,
    start: Instant,
    now: u64,
    /// Lanes that may have room since they were last looked at.
    hungry: Vec<usize>,
    speaking: bool,
    wait: Duration,
    counts: Counts,
    short_acks: u64,
}

impl Listener for Load {
    #[inline]
    fn read_at(&mut self, _link: usize, now: Instant) {
        self.now = nanos(now - self.start);
    }

    #[inline]
    fn event(&mut self, link: usize, event: Event, input: &[u8]) -> Result<()> {
        match event {
            Event::Delivery { at, end } => self.delivered(link, &input[at..end]),
            Event::Ack(to) => self.confirmed(link, to),
            Event::Nothing | Event::Ready => Ok(()),
        }
    }
}

impl Load {
    /// Lanes for connections that were opened in the order of `parts`. With `spin` it never sleeps while it waits.
    pub fn new(rooms: &Rooms, tongue: Tongue, parts: &[Part], spin: bool) -> Self {
        let mut lanes = Vec::new();
        for (link, part) in parts.iter().enumerate().filter(|(_, part)| part.says.is_some()) {
            let template = tongue.template(*part, rooms.text_bytes);
            let acks = tongue.acknowledges();
            lanes.push(Lane::new(link, rooms.listeners, rooms.window, acks, template));
        }
        // Speakers are opened in the order of their lanes, see `Rooms::parts`.
        lanes.iter_mut().enumerate().for_each(|(index, lane)| match rooms.pace {
            Pace::Pipelined => lane.owed = u64::MAX,
            Pace::PingPong => {
                lane.answered_by = Some(index ^ 1);
                lane.owed = u64::from(index % 2 == 0);
            }
            Pace::Steady { .. } => {}
        });
        let ear = |part: &Part| part.hears.map(|lane| Ear::new(lane, rooms.text_bytes));
        Self {
            hungry: (0..lanes.len()).collect(),
            lanes,
            ears: parts.iter().map(ear).collect(),
            speaks_on: parts.iter().map(|part| part.says).collect(),
            listeners: rooms.listeners,
            start: Instant::now(),
            now: 0,
            speaking: true,
            wait: if spin { Duration::ZERO } else { WAIT },
            counts: Counts::default(),
            short_acks: 0,
        }
    }

    #[inline]
    fn delivered(&mut self, link: usize, text: &[u8]) -> Result<()> {
        let Some(ear) = &mut self.ears[link] else {
            bail!("connection {link} was sent a message that is not for it");
        };
        let number = ear.hear(text)?;
        let index = ear.lane;
        let lane = &mut self.lanes[index];
        let said = lane.deliver(number)?;
        self.counts.deliveries += 1;
        self.counts.delivery.record(self.now.saturating_sub(said));
        match lane.answered_by {
            Some(answer) => {
                self.lanes[answer].owed += 1;
                self.hungry.push(answer);
            }
            None if lane.room() > 0 => self.hungry.push(index),
            None => {}
        }
        Ok(())
    }

    #[inline]
    fn confirmed(&mut self, link: usize, to: Option<u32>) -> Result<()> {
        let Some(index) = self.speaks_on[link] else {
            bail!("connection {link} got a confirmation and said nothing");
        };
        let said = self.lanes[index].confirm()?;
        self.counts.confirmation.record(self.now.saturating_sub(said));
        self.short_acks += u64::from(to.is_some_and(|to| to < u32::from(self.listeners)));
        if self.lanes[index].room() > 0 {
            self.hungry.push(index);
        }
        Ok(())
    }

    /// Lets every lane with room speak.
    fn speak(&mut self, fleet: &mut Fleet) -> Result<()> {
        self.now = nanos(self.start.elapsed());
        while let Some(index) = self.hungry.pop() {
            let lane = &mut self.lanes[index];
            if !self.speaking || lane.room() == 0 {
                continue;
            }
            let out = fleet.out(lane.speaker);
            for _ in 0..lane.room() {
                lane.say(out, self.now);
            }
        }
        fleet.flush()
    }

    /// Runs for `span`. Messages are said at their own pace, or at the steady one.
    pub fn run(
        &mut self,
        fleet: &mut Fleet,
        steady: &mut Option<Steady>,
        span: Duration,
    ) -> Result<()> {
        let end = Instant::now() + span;
        while Instant::now() < end {
            self.speak(fleet)?;
            let ticks = fleet.turn(self.wait, self)?;
            if let Some(steady) = steady {
                steady.say_due(ticks, self, fleet)?;
            }
        }
        Ok(())
    }

    /// Says nothing more and returns when all that was said has arrived everywhere.
    pub fn drain(&mut self, fleet: &mut Fleet) -> Result<()> {
        self.speaking = false;
        let end = Instant::now() + DRAIN;
        while let Some(lane) = self.lanes.iter().find(|lane| !lane.is_drained()) {
            if Instant::now() > end {
                let Lane { speaker, sent, heard, acked, .. } = lane;
                bail!(
                    "messages are missing: connection {speaker} said {sent}, {heard} heard, {acked} confirmed"
                );
            }
            fleet.turn(WAIT, self)?;
        }
        Ok(())
    }

    /// Confirmations so far whose `delivered` named fewer listeners than there are.
    pub fn short_acks(&self) -> u64 {
        self.short_acks
    }

    /// Takes what was counted so far and starts again at zero.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }
}

/// Messages at fixed moments, whatever the server does. Latency counts from the moment at which a message was
/// due, so a stall of the server (or of the generator) is not hidden by the silence that it causes.
#[derive(Debug)]
pub struct Steady {
    interval: u64,
    /// When the next message is due, in nanoseconds of the load's clock.
    due: u64,
    turn: usize,
}

impl Steady {
    /// Starts the ticking of `fleet`.
    pub fn new(load: &Load, fleet: &mut Fleet, per_second: u32) -> Result<Self> {
        let interval = Duration::from_secs(1) / per_second;
        fleet.tick_every(interval)?;
        let interval = nanos(interval);
        Ok(Self { interval, due: nanos(load.start.elapsed()) + interval, turn: 0 })
    }

    fn say_due(&mut self, ticks: u64, load: &mut Load, fleet: &mut Fleet) -> Result<()> {
        for _ in 0..ticks {
            let lane = &mut load.lanes[self.turn];
            lane.owed += 1;
            if lane.room() == 0 {
                bail!(
                    "the server fell behind the steady rate: a window of {} is full",
                    lane.sent - lane.heard
                );
            }
            lane.say(fleet.out(lane.speaker), self.due);
            self.due += self.interval;
            self.turn = (self.turn + 1) % load.lanes.len();
        }
        fleet.flush()
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
