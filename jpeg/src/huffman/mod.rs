//! Tables that turn the next bits into coefficients (T.81, C and F.2.2).

mod block;
mod cache;
mod entry;
mod one;
mod symbols;

pub(crate) use block::{BlockTables, MOST};
pub(crate) use cache::HuffmanCache;
pub(crate) use entry::{Entries, Entry};
pub(crate) use symbols::{BITS, SymbolTable};
