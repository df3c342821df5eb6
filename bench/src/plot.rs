//! The picture of a run: one group of bars per workload, as SVG without scripts, fonts or other files.

use std::fmt::Write as _;

const WIDTH: usize = 860;
const LABELS: usize = 130;
const BARS: usize = 480;
const BAR: usize = 14;
const GAP: usize = 22;
/// One colour per system, in the order of the columns; told apart by the labels too.
const COLOURS: [&str; 9] = [
    "#1b6ca8", "#0b3c5d", "#c0392b", "#7f8c8d", "#27ae60", "#16a085", "#8e44ad", "#d35400",
    "#b7950b",
];

/// One bar: whose, how long, and what is written beside it. Without a length only the text is shown.
#[derive(Debug)]
pub struct Bar {
    /// The system.
    pub name: &'static str,
    /// Length, compared within the group only.
    pub value: Option<f64>,
    /// What is written at its end.
    pub text: String,
}

/// Bars under a title.
#[derive(Debug)]
pub struct Group {
    /// The workload.
    pub title: &'static str,
    /// Its bars.
    pub bars: Vec<Bar>,
}

/// Draws all groups below each other.
pub fn draw(title: &str, groups: &[Group]) -> String {
    let mut body = String::new();
    let mut y = 30;
    text(&mut body, 10, y, "font-weight='bold'", title);
    for group in groups {
        y += GAP + BAR;
        text(&mut body, 10, y, "font-weight='bold'", group.title);
        let longest = group.bars.iter().filter_map(|bar| bar.value).fold(0.0, f64::max);
        for (bar, colour) in group.bars.iter().zip(COLOURS.iter().cycle()) {
            y += BAR + 4;
            text(&mut body, LABELS - 6, y, "text-anchor='end'", bar.name);
            let share = bar.value.map_or(0.0, |value| value / longest.max(f64::MIN_POSITIVE));
            let width = (share * BARS as f64).round() as usize;
            let top = y + 3 - BAR;
            write!(
                body,
                "<rect x='{LABELS}' y='{top}' width='{width}' height='{BAR}' fill='{colour}'/>"
            )
            .expect("writing to a string cannot fail");
            text(&mut body, LABELS + width + 6, y, "fill='#333'", &bar.text);
        }
    }
    let height = y + GAP;
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}' \
         font-family='sans-serif' font-size='12'><rect width='100%' height='100%' fill='#fff'/>{body}</svg>\n"
    )
}

fn text(out: &mut String, x: usize, y: usize, style: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    write!(out, "<text x='{x}' y='{y}' {style}>{text}</text>")
        .expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fills_its_room_and_text_is_escaped() {
        let bar = |name, value| Bar { name, value, text: "a < b".into() };
        let bars = vec![bar("one", Some(2.0)), bar("two", Some(1.0)), bar("none", None)];
        let svg = draw("title", &[Group { title: "row", bars }]);
        for part in ["width='480'", "width='240'", "width='0'", "a &lt; b"] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
    }
}
