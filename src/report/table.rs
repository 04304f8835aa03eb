//! Tables and lists of facts on a terminal.

use std::fmt::Display;
use std::io::{self, Write};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use crate::printable::printable;

/// An empty table. Its first `text_columns` columns hold text, aligned left; the others hold numbers,
/// aligned right.
pub(crate) fn table(header: &[&str], text_columns: usize) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    for column in table.column_iter_mut().skip(text_columns) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Facts about one subject, each with its name.
pub(crate) type Facts = Vec<(String, String)>;

/// Adds a fact.
pub(crate) fn fact(facts: &mut Facts, name: &str, text: impl Display) {
    facts.push((name.to_owned(), printable(&text.to_string())));
}

/// Writes one fact per line, the names padded to one width.
///
/// # Errors
/// What `out` failed with.
pub(crate) fn write_facts(out: &mut dyn Write, facts: &Facts) -> io::Result<()> {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    facts.iter().try_for_each(|(name, text)| writeln!(out, "{name:<width$}  {text}"))
}
