//! Shared by the reports of measurements: tables, charts, the machine, and the frame of a page.
//!
//! The data of a report is in `bench`, `load` and `eval`; its text and its page are in the command of
//! that name. A page is one HTML file that extends `page.html` here and needs nothing else: no script, no
//! request.

pub(crate) mod chart;
mod command_line;
mod files;
mod machine;
mod table;

pub(crate) use command_line::command_line;
pub(crate) use files::{
    ReportError, check_writable, write_html, write_json, write_json_to, write_text,
};
pub(crate) use machine::{Machine, peak_memory_mb};
pub(crate) use table::{Facts, fact, table, write_facts};
