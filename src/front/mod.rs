//! The streaming front end: everything that touches a socket and nothing that touches a pixel. All of
//! it is asynchronous and never blocks.
//!
//! ```text
//! server ─▶ stream ─▶ connection ─▶ session ─▶ validate ─▶ admission ─▶ engine
//!                         ▲            │
//!                         └─ outbox ◀──┘ wire
//! ```

mod accept;
pub mod admission;
pub mod app;
pub mod connection;
mod failure_log;
pub mod metrics;
pub mod origin;
mod origin_headers;
pub mod outbox;
mod page;
pub mod server;
pub mod session;
pub mod sessions;
mod single;
mod status;
mod stream;
pub mod validate;
pub mod wire;

pub use app::{App, FrontSettings, NamedPipeline, Running};
pub use server::serve;
