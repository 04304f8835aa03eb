//! Charts as parts of a page, drawn when the report is written, so that the page needs no script.

mod bars;
mod lines;
mod scale;

pub(crate) use bars::{Bar, Bars};
pub(crate) use lines::{Line, Lines};
pub(crate) use scale::Scale;

/// Number of colours in charts; they repeat from the seventh series.
const COLOURS: usize = 6;

/// The style class for the colour of a series.
fn colour(index: usize) -> String {
    format!("colour-{}", index % COLOURS + 1)
}
