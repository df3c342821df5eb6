//! What a connection says: each frame is parsed when it is the sender's turn, and handed to the brain, or to
//! what is decided by the rules about access.
//!
//! Owns that choice, and how much a connection may say before it has authenticated. Never decides whose turn
//! it is.

use bot_hub_core::io::Input;
use bot_protocol::code::Code;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::frame::{ClientFrame, FrameError, ServerFrame};
use bot_protocol::limits::Limits;

use super::{Engine, accounts, invites};
use crate::door::ws::{CloseCode, Refusal, Skipped};
use crate::door::{ConnId, RawFrame};

/// With so many frames refused before `auth` the hub hangs up: enough for a mistake or two, and too few to
/// keep it busy.
const REFUSED_BEFORE_AUTH_MAX: u8 = 4;

impl Engine {
    /// Handles frames for as long as `goes_on` says so.
    pub(super) fn frames(
        &mut self,
        conn: ConnId,
        frames: &mut std::vec::IntoIter<RawFrame>,
        goes_on: impl Fn(&Self) -> bool,
    ) {
        let mut is_known = false;
        for frame in frames.by_ref() {
            // Until `auth` has let it in; nothing that it says later makes it unknown again.
            if !is_known {
                // One that was sent away before it authenticated hears no answers any more.
                let peer = self.peers.get(&conn).filter(|peer| peer.outbox.is_open());
                let Some(peer) = peer else { return };
                is_known = peer.known.is_some();
            }
            self.frame(conn, is_known, decode(&frame, &self.limits));
            if !goes_on(self) {
                return;
            }
        }
    }

    fn frame(&mut self, conn: ConnId, is_known: bool, frame: Result<ClientFrame, FrameError>) {
        match frame {
            Err(error) if !is_known => self.refuse_stranger(conn, error.into()),
            Err(error) => self.send(conn, &ServerFrame::Error(error.into())),
            Ok(ClientFrame::Auth(auth)) if !is_known => self.authenticate(conn, auth),
            Ok(frame) if !is_known => {
                let hint = "send {\"type\":\"auth\",\"token\":\"…\"} first";
                let error = ErrorFrame::new(Code::NotAuthenticated).hint(hint).about(frame.kind());
                self.refuse_stranger(conn, error);
            }
            Ok(ClientFrame::Operate(request)) if accounts::concerns_bots(&request.operation) => {
                self.operate_bots(conn, request);
            }
            Ok(ClientFrame::Operate(request)) if invites::concerns_invites(&request.operation) => {
                self.operate_invites(conn, request);
            }
            Ok(frame) => {
                self.metrics.frames += 1;
                let known = self.peers.get(&conn).and_then(|peer| peer.known.as_ref());
                self.traces.heard(known.map(|it| &it.pass.bot), &frame);
                self.input(Input::Frame { conn, frame });
            }
        }
    }

    /// Refuses a frame that came before `auth`, and closes the connection after a few of them.
    fn refuse_stranger(&mut self, conn: ConnId, error: ErrorFrame) {
        self.send(conn, &ServerFrame::Error(error));
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.refused += 1;
        if peer.refused >= REFUSED_BEFORE_AUTH_MAX {
            peer.outbox.close(CloseCode::POLICY, "too many frames before `auth`");
        }
    }
}

/// Reads a frame. This is done when it is the sender's turn, so that reading is paid for like everything
/// else that a frame costs.
fn decode(frame: &RawFrame, limits: &Limits) -> Result<ClientFrame, FrameError> {
    match frame {
        RawFrame::Text(text) => ClientFrame::decode_text(text, limits),
        RawFrame::Skipped(Skipped { why: Refusal::TooLarge, bytes, skim }) => {
            Err(FrameError::too_large(*bytes, skim, limits))
        }
        RawFrame::Skipped(Skipped { why: Refusal::NoRoom, skim, .. }) => {
            Err(FrameError::too_many_large(skim))
        }
    }
}
