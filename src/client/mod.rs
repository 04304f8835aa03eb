//! A client of a live video server: its address, the session that it opens there, and the messages that it receives. For
//! `load` and `watch --to`.

mod connect;
mod excerpt;
mod failure;
mod messages;
mod target;

pub(crate) use connect::{Connected, connect};
pub use failure::SessionFailure;
pub(crate) use messages::{Message, ReplyOutcome};
pub use target::{Target, TargetError};
