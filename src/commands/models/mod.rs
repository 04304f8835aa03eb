//! `framegate models`: inspect a model file, run it on a raw tensor, or fetch it.

mod cache;
mod fetch;
mod inspect;
mod run;

pub(super) use cache::{list, pull, remove};
pub(super) use fetch::with_models_fetched;
pub(super) use inspect::inspect;
pub(super) use run::run;
