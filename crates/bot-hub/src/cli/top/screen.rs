//! Draws the screen.
//!
//! Owns the layout. A colour never says more than the words do.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Cell, Clear, Paragraph, Row, Table};

use super::lines::{BOT_HEAD, ROOM_HEAD, bot_cells, commit, room_cells, waiting};
use super::sample::Sample;
use super::view::{self, View};
use crate::cli::out::counted;

/// What to draw.
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
        "{} of {} online, {}   Bot Hub {} at {}",
        it.online,
        counted(it.bots, "bot"),
        counted(it.rooms, "room"),
        sample.version,
        sample.url,
    );
    let second = waiting(it);
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

/// A column: its width, and in which order columns are left out on a narrow screen.
struct Column {
    index: usize,
    width: u16,
}

/// The smallest width of the names.
const NAME_WIDTH: u16 = 20;

/// The columns of a bot by importance: waiting messages first, then whether it is online.
const BOT_COLUMNS: [Column; 6] = [
    Column { index: 2, width: 7 },
    Column { index: 1, width: 7 },
    Column { index: 3, width: 8 },
    Column { index: 4, width: 10 },
    Column { index: 6, width: 20 },
    Column { index: 5, width: 16 },
];

const ROOM_COLUMNS: [Column; 5] = [
    Column { index: 4, width: 7 },
    Column { index: 3, width: 8 },
    Column { index: 1, width: 7 },
    Column { index: 2, width: 6 },
    Column { index: 5, width: 6 },
];

/// The columns that fit beside the name, in the order of the table. The name takes the remaining width.
fn shown_columns(columns: &[Column], width: u16) -> Vec<(usize, Constraint)> {
    // The border takes two columns, and a space separates each pair of columns.
    let mut left = width.saturating_sub(2 + NAME_WIDTH);
    let mut shown = vec![(0, Constraint::Min(NAME_WIDTH))];
    for column in columns {
        let Some(rest) = left.checked_sub(column.width + 1) else { break };
        left = rest;
        shown.push((column.index, Constraint::Length(column.width)));
    }
    shown.sort_by_key(|(index, _)| *index);
    shown
}

fn cells_of<const COLUMNS: usize>(
    cells: &[String; COLUMNS],
    shown: &[(usize, Constraint)],
) -> Vec<Cell<'static>> {
    shown.iter().map(|(index, _)| Cell::from(cells[*index].clone())).collect()
}

fn draw_bots(frame: &mut Frame<'_>, area: Rect, view: &View, sample: &Sample) {
    let shown = shown_columns(&BOT_COLUMNS, area.width);
    let rows = view.bots(sample).into_iter().map(|bot| {
        let style =
            if bot.online { Style::new() } else { Style::new().add_modifier(Modifier::DIM) };
        Row::new(cells_of(&bot_cells(bot), &shown)).style(style)
    });
    let offset = if view.table == view::Table::Bots { view.offset } else { 0 };
    draw_table(frame, area, ("bots", sample.bots.len(), offset), &BOT_HEAD, rows, &shown);
}

fn draw_rooms(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>, sample: &Sample) {
    let shown = shown_columns(&ROOM_COLUMNS, area.width);
    let rows = scene.view.rooms(sample).into_iter().map(|room| {
        let rate = scene.before.and_then(|before| sample.room_rate(before, room));
        Row::new(cells_of(&room_cells(room, rate), &shown))
    });
    let offset = if scene.view.table == view::Table::Rooms { scene.view.offset } else { 0 };
    draw_table(frame, area, ("rooms", sample.rooms.len(), offset), &ROOM_HEAD, rows, &shown);
}

fn draw_table<'a>(
    frame: &mut Frame<'_>,
    area: Rect,
    (title, count, offset): (&str, usize, usize),
    head: &[&'static str],
    rows: impl Iterator<Item = Row<'a>>,
    shown: &[(usize, Constraint)],
) {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let offset = offset.min(count.saturating_sub(1));
    let title = match offset {
        0 => format!(" {title}: {count} "),
        above => format!(" {title}: {count}, {above} above "),
    };
    let head = Row::new(shown.iter().map(|(index, _)| head[*index].to_uppercase())).style(bold);
    let widths = shown.iter().map(|(_, width)| *width);
    let table = Table::new(rows.skip(offset), widths).header(head);
    frame.render_widget(table.block(Block::bordered().title(title)), area);
}

fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let (x, y) = ((area.width - width) / 2, (area.height - height) / 2);
    Rect { x: area.x + x, y: area.y + y, width, height }
}
