//! The samples of the components on their way to pixels: a row of MCUs at a time.

mod layout;
mod rows;

pub(crate) use layout::{Layout, Plane};
pub(crate) use rows::Rows;
