//! Decisions about access on their way to the store, and who waits for each.
//!
//! Owns that way: the writes of a decision go to the store in one batch; when it is committed, the same writes
//! change what is known, the answer goes out, and connections that may not stay end; when it is refused, the
//! names and invites in them are free again, and the one who waits hears why. Decides nothing.

use bot_hub_core::access::{AccessWrite, Decision, Followed, Origin};
use bot_hub_core::change::Outcome;
use bot_hub_core::io::Input;
use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::answer;
use bot_protocol::frame::server::{ErrorFrame, Operated};
use smol_str::SmolStr;
use tokio::sync::oneshot;

use super::claim::ClaimMade;
use super::{Engine, Owner, profiles};
use crate::door::code::HttpError;
use crate::door::{Answer, ConnId};
use bot_hub_store::Write;

/// Whom to answer.
#[derive(Debug)]
pub(super) enum ReplyTo {
    /// A connection, with the `ref` of its request.
    Frame(ConnId, SmolStr),
    /// An HTTP request.
    Http(oneshot::Sender<Answer>),
}

/// Somebody who waits for a commit, with the answer that is true after it.
#[derive(Debug)]
pub(super) enum Waiter {
    /// Who asked for an operation.
    Operation(ReplyTo, Box<answer::Answer>),
    /// Who comes by an invite.
    Claim(oneshot::Sender<Answer>, Box<ClaimMade>),
    /// Nobody.
    Nobody,
}

/// A decision on its way.
#[derive(Debug)]
pub(super) struct Decided {
    writes: Vec<AccessWrite>,
    /// How many of the batch's writes are the brain's, which hears what became of them; they stand first.
    heard: usize,
    waiter: Waiter,
}

impl Engine {
    /// Sends a decision that somebody waits for.
    pub(super) fn decided(&mut self, to: ReplyTo, decision: Decision<answer::Answer>) {
        // Behind what the brain has asked for already, so that the store sees one order.
        self.flush_brain();
        let waiter = Waiter::Operation(to, Box::new(decision.answer));
        self.write_decided(Vec::new(), decision.writes, waiter);
    }

    /// Sends writes that nobody waits for.
    pub(super) fn decided_alone(&mut self, writes: Vec<AccessWrite>) {
        if !writes.is_empty() {
            self.write_decided(Vec::new(), writes, Waiter::Nobody);
        }
    }

    /// Sends writes behind others that go into the same batch, and of which nobody hears.
    pub(super) fn write_decided(
        &mut self,
        before: Vec<Write>,
        writes: Vec<AccessWrite>,
        waiter: Waiter,
    ) {
        self.write_behind(before, Decided { writes, heard: 0, waiter });
    }

    /// Sends writes in one batch with what the brain has just asked for.
    pub(super) fn write_with_brain(&mut self, writes: Vec<AccessWrite>, waiter: Waiter) {
        let changes = std::mem::take(&mut self.batch);
        let heard = changes.len();
        self.write_behind(changes, Decided { writes, heard, waiter });
    }

    fn write_behind(&mut self, mut batch: Vec<Write>, decided: Decided) {
        batch.extend(decided.writes.iter().cloned().map(Write::Access));
        batch.extend(self.beside(&decided.writes, &decided.waiter));
        self.write(batch, Owner::Access(Box::new(decided)));
    }

    /// What is stored with a decision: what is said of a bot goes with it, and an act has its record.
    fn beside(&mut self, writes: &[AccessWrite], waiter: &Waiter) -> Vec<Write> {
        let gone = writes.iter().filter_map(|write| match write {
            AccessWrite::ForgetBot(bot, _) => Some(profiles::forgotten(bot)),
            _ => None,
        });
        let record = match waiter {
            Waiter::Operation(..) => self.audit.record_of(writes),
            Waiter::Claim(_, made) => self.record_claim(made.invite()),
            Waiter::Nobody => None,
        };
        gone.chain(record).collect()
    }

    /// The store has committed it.
    pub(super) fn decided_settled(&mut self, decided: Decided, outcomes: Vec<Outcome>) {
        let Decided { writes, heard, waiter } = decided;
        let followed = writes.iter().filter_map(|write| self.access.apply(write));
        let mut followed: Vec<Followed> = followed.collect();
        followed.dedup();
        if let Some(AccessWrite::Invite(invite)) = writes.first() {
            match invite.revoked_at {
                Some(_) => tracing::info!(id = %invite.id, "an invite was revoked"),
                None => {
                    tracing::info!(id = %invite.id, name = %invite.name, by = %invite.by, "an invite was made");
                }
            }
        }
        // The operator who asked may be sent away by what follows: the answer goes out first.
        self.tell_waiter(waiter);
        for it in followed {
            self.follow(it);
        }
        if heard > 0 {
            let outcomes = outcomes.into_iter().take(heard).collect();
            self.input(Input::Committed { outcomes });
        }
    }

    /// The store has refused it.
    pub(super) fn decided_refused(&mut self, decided: Decided, code: Code) {
        let Decided { writes, heard, waiter } = decided;
        self.access.give_up(&writes);
        if heard > 0 {
            self.input(Input::Refused { count: heard, code });
        }
        for write in writes {
            if let AccessWrite::ForgetBot(bot, _) = write {
                self.input(Input::Removing { bot, removing: false });
            }
        }
        let error = ErrorFrame::new(code);
        match waiter {
            Waiter::Operation(to, _) => self.reply(to, Err(error)),
            Waiter::Claim(reply, _) => {
                drop(reply.send(refused(error.hint("try again in a minute"))));
            }
            Waiter::Nobody => {}
        }
    }

    fn tell_waiter(&mut self, waiter: Waiter) {
        match waiter {
            Waiter::Operation(to, mut answer) => {
                // Until now more could come to wait for it.
                if let answer::Answer::BotRemoved(removed) = &mut *answer {
                    removed.dropped = self.hub.waiting_of(&removed.bot);
                }
                self.reply(to, Ok(*answer));
            }
            Waiter::Claim(reply, made) => self.answer_claim(reply, *made),
            Waiter::Nobody => {}
        }
    }

    /// What a write means for the brain and for those who are connected.
    fn follow(&mut self, followed: Followed) {
        match followed {
            Followed::Changed(bot) => self.rejudge([bot]),
            Followed::Gone(bot) => {
                self.flaps.forget(&bot);
                let barred = self.barred(&bot);
                self.input(Input::BotRemoved(bot.clone()));
                self.bar(barred);
                if self.access.registry().origin(&bot) == Some(Origin::Config) {
                    // The file began to name it while its end was on its way: that is another bot.
                    self.record_declared();
                    self.rejudge([bot]);
                }
            }
        }
    }

    /// Answers the one who asked for an operation.
    pub(super) fn reply(&mut self, to: ReplyTo, result: Result<answer::Answer, ErrorFrame>) {
        match (to, result) {
            (ReplyTo::Frame(conn, reference), Ok(result)) => {
                self.send(conn, &ServerFrame::Operated(Operated { reference, result }));
            }
            (ReplyTo::Frame(conn, reference), Err(error)) => {
                self.send(conn, &ServerFrame::Error(error.about(reference)));
            }
            // The asker may have hung up; then nobody misses the answer.
            (ReplyTo::Http(reply), Ok(result)) => {
                let mut body = result.into_json();
                body["ok"] = true.into();
                drop(reply.send(Answer::Good(body.to_string())));
            }
            (ReplyTo::Http(reply), Err(error)) => drop(reply.send(refused(error))),
        }
    }
}

/// A refusal as HTTP says it.
pub(super) fn refused(error: impl Into<HttpError>) -> Answer {
    Answer::Refused(Box::new(error.into()))
}
