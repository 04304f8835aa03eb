//! What reports of measurements have in common: the machine, the page around them, and charts.
//!
//! A report is one HTML file that needs nothing else: no script, no request. `page.html` is the frame
//! that every report extends.

pub mod chart;
mod command_line;
mod files;
mod machine;
mod table;

pub use command_line::command_line;
pub use files::{ReportError, check_writable, write_html, write_json};
pub use machine::{Machine, peak_memory_mb};
pub use table::numbers_table;
