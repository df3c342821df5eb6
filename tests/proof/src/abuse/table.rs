//! The figures as a table in a document.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::stage::{Case, Figures, ms, percentile};

const START: &str = "<!-- abuse -->\n";
const END: &str = "<!-- end of abuse -->";

/// The rows so far.
#[derive(Debug, Default)]
pub struct Table(String);

impl Table {
    /// Adds a row.
    pub fn add(&mut self, case: &Case, figures: &Figures) {
        let [before, most, after] = figures.memory_kib.map(|kib| kib as f64 / 1_024.0);
        let it = &figures.experience;
        let ends = [figures.endings(), figures.damage.note.clone()];
        let ends: Vec<String> = ends.into_iter().filter(|words| !words.is_empty()).collect();
        let mut connect = ms(percentile(&it.connect, 99));
        if it.refused > 0 {
            connect = format!("{connect}, {} refused", it.refused);
        }
        let row = format!(
            "| {} | {} | {before:.1} → {most:.1} → {after:.1} | {} / {} | {connect} | {} |",
            case.name,
            ends.join("; "),
            ms(percentile(&it.delivery, 50)),
            ms(percentile(&it.delivery, 99)),
            case.limit,
        );
        // Writing to a string cannot fail.
        writeln!(self.0, "{row}").expect("a string takes everything");
    }

    /// Puts the table into a file, between its marks.
    pub fn write(&self, file: &Path) -> Result<()> {
        let text = std::fs::read_to_string(file)?;
        let start = text.find(START).context("the file has no `<!-- abuse -->`")? + START.len();
        let end = text.find(END).context("the file has no `<!-- end of abuse -->`")?;
        let head = "| what is done | how it ends | memory before → most → after, MiB | honest delivery p50 / p99, ms | \
                    honest connect p99, ms | what holds |\n| --- | --- | --- | --- | --- | --- |\n";
        std::fs::write(file, format!("{}\n{head}{}\n{}", &text[..start], self.0, &text[end..]))?;
        Ok(())
    }
}
