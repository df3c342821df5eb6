//! The screen.
//!
//! Owns what is drawn where. Colour says nothing that words do not say.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Cell, Clear, Paragraph, Row, Table};

use super::lines::{BOT_HEAD, ROOM_HEAD, bot_cells, commit, room_cells};
use super::sample::Sample;
use super::view::{self, View};
use crate::cli::words::period;

/// What there is to draw.
pub(super) struct Scene<'a> {
    pub(super) view: &'a View,
    pub(super) now: Option<&'a Sample>,
    pub(super) before: Option<&'a Sample>,
    pub(super) trouble: Option<&'a str>,
}

const HELP: &str = "\
 q, esc, ctrl-c   quit
 s                sort: waiting, oldest, seen, name
 r                reverse the order
 tab              bots or rooms
 p, space         pause
 up, down, k, j   scroll
 page up, down    scroll ten rows
 ?                this help";

pub(super) fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>) {
    let bots_first = scene.view.table == view::Table::Bots;
    let shares = if bots_first { [2, 1] } else { [1, 2] };
    let [head, bots, rooms, foot] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Fill(shares[0]),
        Constraint::Fill(shares[1]),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(summary(scene)), head);
    if let Some(sample) = scene.now {
        draw_bots(frame, bots, scene.view, sample);
        draw_rooms(frame, rooms, scene, sample);
    }
    frame.render_widget(Paragraph::new(keys(scene)), foot);
    if scene.view.shows_help {
        let area = middle(frame.area(), 44, 10);
        frame.render_widget(Clear, area);
        frame.render_widget(Paragraph::new(HELP).block(Block::bordered().title(" keys ")), area);
    }
}

fn summary(scene: &Scene<'_>) -> Vec<Line<'static>> {
    let trouble = scene.trouble.map(|it| format!("NOT CONNECTED: {it}"));
    let Some(sample) = scene.now else {
        return vec![Line::from(trouble.unwrap_or_else(|| "looking …".to_owned()))];
    };
    let it = &sample.numbers;
    let first = format!(
        "Bot Hub {} at {}   {} of {} bots online, {} rooms",
        sample.version, sample.url, it.online, it.bots, it.rooms
    );
    let second = if it.waiting == 0 {
        "nothing waits".to_owned()
    } else {
        format!("{} messages wait, the oldest for {}", it.waiting, period(it.oldest_waiting_ms))
    };
    let rates = scene.before.map(|before| sample.rates(before)).unwrap_or_default();
    let third = format!(
        "per second: {:.1} accepted, {:.1} delivered, {:.1} received, {:.1} dropped   commit {}",
        rates.accepted,
        rates.delivered,
        rates.received,
        rates.dropped,
        commit(sample, scene.before),
    );
    let bold = Style::new().add_modifier(Modifier::BOLD);
    vec![Line::styled(first, bold), Line::from(trouble.unwrap_or(second)), Line::from(third)]
}

fn keys(scene: &Scene<'_>) -> Line<'static> {
    let paused = if scene.view.is_paused { "PAUSED  " } else { "" };
    let order = if scene.view.is_reversed { ", reversed" } else { "" };
    let sort = scene.view.sort.name();
    Line::from(format!(
        "{paused}q quit  s sort ({sort}{order})  tab bots or rooms  p pause  ? help"
    ))
}

fn draw_bots(frame: &mut Frame<'_>, area: Rect, view: &View, sample: &Sample) {
    let rows = view.bots(sample).into_iter().map(|bot| {
        let style =
            if bot.online { Style::new() } else { Style::new().add_modifier(Modifier::DIM) };
        Row::new(bot_cells(bot).map(Cell::from)).style(style)
    });
    let widths = [
        Constraint::Fill(2),
        Constraint::Length(6),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(10),
        Constraint::Fill(2),
        Constraint::Fill(3),
    ];
    let offset = if view.table == view::Table::Bots { view.offset } else { 0 };
    draw_table(frame, area, ("bots", sample.bots.len(), offset), BOT_HEAD, rows, &widths);
}

fn draw_rooms(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>, sample: &Sample) {
    let rows = scene.view.rooms(sample).into_iter().map(|room| {
        let rate = scene.before.and_then(|before| sample.room_rate(before, room));
        Row::new(room_cells(room, rate).map(Cell::from))
    });
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(8),
        Constraint::Length(7),
        Constraint::Length(10),
        Constraint::Length(8),
        Constraint::Length(8),
    ];
    let offset = if scene.view.table == view::Table::Rooms { scene.view.offset } else { 0 };
    draw_table(frame, area, ("rooms", sample.rooms.len(), offset), ROOM_HEAD, rows, &widths);
}

fn draw_table<'a, const COLUMNS: usize>(
    frame: &mut Frame<'_>,
    area: Rect,
    (title, count, offset): (&str, usize, usize),
    head: [&'static str; COLUMNS],
    rows: impl Iterator<Item = Row<'a>>,
    widths: &[Constraint],
) {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let offset = offset.min(count.saturating_sub(1));
    let title = match offset {
        0 => format!(" {title}: {count} "),
        above => format!(" {title}: {count}, {above} above "),
    };
    let head = Row::new(head.map(str::to_uppercase)).style(bold);
    let table = Table::new(rows.skip(offset), widths.iter().copied()).header(head);
    frame.render_widget(table.block(Block::bordered().title(title)), area);
}

fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let (x, y) = ((area.width - width) / 2, (area.height - height) / 2);
    Rect { x: area.x + x, y: area.y + y, width, height }
}
