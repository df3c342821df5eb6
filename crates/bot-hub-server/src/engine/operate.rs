//! What operators ask for, and which part of the hub answers it.
//!
//! Owns the way of an `operate` frame, and that what it does is recorded. Never decides who may do it.

use bot_hub_core::io::Input;
use bot_protocol::frame::ClientFrame;
use bot_protocol::frame::operator::{Operate, Operation};

use super::{Engine, accounts, invites};
use crate::door::ConnId;

impl Engine {
    pub(super) fn operate(&mut self, conn: ConnId, request: Operate) {
        self.begin_act(conn, &request);
        match request.operation {
            ref it if accounts::concerns_bots(it) => self.operate_bots(conn, request),
            ref it if invites::concerns_invites(it) => self.operate_invites(conn, request),
            Operation::BotSet { bot, about, skills } => {
                self.say_of_bot(conn, request.reference, bot, (about, skills));
            }
            Operation::Audit(wish) => self.list_acts(conn, request.reference, wish),
            _ => {
                self.metrics.frames += 1;
                let frame = ClientFrame::Operate(request);
                let known = self.peers.get(&conn).and_then(|peer| peer.known.as_ref());
                self.traces.heard(known.map(|it| &it.pass.bot), &frame);
                self.input(Input::Frame { conn, frame });
            }
        }
        self.end_act();
    }
}
