//! `framegate models`: inspect a model file, or run it on a raw tensor.

mod inspect;
mod run;

pub(super) use inspect::inspect;
pub use run::InputTensorError;
pub(super) use run::run;
