//! Line charts.

use std::fmt::Write as _;

use askama::Template;

use super::{Scale, colour};

/// Size of the drawing and its margins, in units of its view box.
const WIDTH: f64 = 920.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 40.0;

/// A line chart.
#[derive(Debug, Template)]
#[template(path = "report/chart/lines.html")]
pub(crate) struct Lines {
    pub caption: String,
    /// Title of the horizontal axis, with its unit.
    pub horizontal: &'static str,
    pub horizontal_scale: Scale,
    /// Title of the vertical axis, with its unit.
    pub vertical: &'static str,
    pub vertical_scale: Scale,
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Debug)]
pub(crate) struct Line {
    pub label: String,
    /// Horizontal and vertical value of each point, from left to right.
    pub points: Vec<(f64, f64)>,
}

impl Lines {
    fn x(&self, value: &f64) -> f64 {
        LEFT + self.horizontal_scale.place(*value) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: &f64) -> f64 {
        HEIGHT - BOTTOM - self.vertical_scale.place(*value) * (HEIGHT - TOP - BOTTOM)
    }

    /// The points of a line, in SVG's notation.
    fn path(&self, line: &Line) -> String {
        let mut path = String::new();
        for (horizontal, vertical) in &line.points {
            let _ = write!(path, "{:.1},{:.1} ", self.x(horizontal), self.y(vertical));
        }
        path
    }
}

/// The value of a tick, without trailing zeros.
fn mark(value: &f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
