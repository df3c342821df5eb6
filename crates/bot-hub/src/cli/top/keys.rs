//! Keys and their actions.
//!
//! Owns the thread that waits for keys, because reading a terminal blocks.

use std::thread;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;

/// What a person wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Quit,
    Sort,
    Reverse,
    OtherTable,
    Pause,
    Help,
    Up,
    Down,
    PageUp,
    PageDown,
    /// The size of the terminal changed.
    Redraw,
}

/// How often the thread checks whether the receiver still exists.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Starts the thread that waits for keys. It ends when the receiver is dropped.
pub(super) fn listen() -> mpsc::Receiver<Action> {
    let (sender, actions) = mpsc::channel(16);
    thread::spawn(move || {
        while !sender.is_closed() {
            match event::poll(LOOK_EVERY)
                .and_then(|is_there| is_there.then(event::read).transpose())
            {
                Ok(Some(event)) => {
                    if let Some(action) = meaning(&event)
                        && sender.blocking_send(action).is_err()
                    {
                        return;
                    }
                }
                Ok(None) => {}
                // The terminal is gone: dropping the sender ends the screen.
                Err(_) => return,
            }
        }
    });
    actions
}

fn meaning(event: &Event) -> Option<Action> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => action(*key),
        Event::Resize(..) => Some(Action::Redraw),
        _ => None,
    }
}

fn action(key: KeyEvent) -> Option<Action> {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        // In raw mode, a terminal sends no signal for ctrl-c.
        KeyCode::Char('c' | 'd') if ctrl => Action::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Action::Quit,
        KeyCode::Char('s') => Action::Sort,
        KeyCode::Char('r') => Action::Reverse,
        KeyCode::Tab => Action::OtherTable,
        KeyCode::Char('p' | ' ') => Action::Pause,
        KeyCode::Char('?' | 'h') => Action::Help,
        KeyCode::Up | KeyCode::Char('k') => Action::Up,
        KeyCode::Down | KeyCode::Char('j') => Action::Down,
        KeyCode::PageUp => Action::PageUp,
        KeyCode::PageDown => Action::PageDown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_the_help_says() {
        let check = |code, modifiers, expected| {
            assert_eq!(meaning(&Event::Key(KeyEvent::new(code, modifiers))), expected, "{code:?}");
        };
        let none = KeyModifiers::NONE;
        check(KeyCode::Char('q'), none, Some(Action::Quit));
        check(KeyCode::Char('c'), KeyModifiers::CONTROL, Some(Action::Quit));
        check(KeyCode::Char('s'), none, Some(Action::Sort));
        check(KeyCode::Char('r'), none, Some(Action::Reverse));
        check(KeyCode::Tab, none, Some(Action::OtherTable));
        check(KeyCode::Char('p'), none, Some(Action::Pause));
        check(KeyCode::PageDown, none, Some(Action::PageDown));
        check(KeyCode::Char('?'), KeyModifiers::SHIFT, Some(Action::Help));
        check(KeyCode::Char('x'), none, None);
    }
}
