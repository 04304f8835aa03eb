//! Charts as pieces of a page: drawn where the report is written, so that the page needs no script.

mod bars;
mod lines;
mod scale;

pub use bars::{Bar, Bars};
pub use lines::{Line, Lines};
pub use scale::Scale;

/// Colours that charts have; the seventh thing looks like the first again.
const COLOURS: usize = 6;

/// The style class of the `index`-th thing's colour.
fn colour(index: usize) -> String {
    format!("colour-{}", index % COLOURS + 1)
}
