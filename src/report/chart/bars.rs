//! Horizontal bar charts, with bars in one part or several.

use askama::Template;

use super::colour;

/// A bar chart with one scale that starts at zero.
#[derive(Debug, Template)]
#[template(path = "report/chart/bars.html")]
pub(crate) struct Bars {
    pub caption: String,
    pub unit: &'static str,
    /// Names of the parts; a bar of one part needs none.
    pub parts: Vec<String>,
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Debug)]
pub(crate) struct Bar {
    pub label: String,
    /// The value of each part, none below zero.
    pub values: Vec<f64>,
}

impl Bar {
    fn total(&self) -> f64 {
        self.values.iter().sum()
    }
}

impl Bars {
    /// Width of a value in per cent of the longest bar.
    fn percent(&self, value: &f64) -> f64 {
        let longest = self.bars.iter().map(Bar::total).fold(0.0, f64::max);
        if longest > 0.0 { value / longest * 100.0 } else { 0.0 }
    }
}

/// A value with two decimals; a count without.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
