//! Tables that turn the next bits into coefficients (T.81, C and F.2.2).

mod ac;
mod cache;
mod dc;
mod pairs;
mod skips;
mod symbols;

pub(crate) use ac::AcTable;
pub(crate) use cache::HuffmanCache;
pub(crate) use dc::DcTable;
pub(crate) use symbols::SymbolTable;

/// The result of a block whose bits are not a code, or which has too many coefficients.
pub(crate) const DAMAGED: u32 = u32::MAX;
