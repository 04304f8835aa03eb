//! The server: everything that touches a socket and nothing that touches a pixel. All of it is
//! asynchronous and never blocks.
//!
//! ```text
//! server ─▶ stream ─▶ connection ─▶ session ─▶ admission ─▶ engine
//!                         ▲            │
//!                         └─ outbox ◀──┘ messages
//! ```

mod accept;
pub mod admission;
mod assets;
pub mod connection;
pub mod documents;
mod failure_log;
mod infer;
mod info;
mod messages;
pub mod metrics;
pub mod origin;
pub mod outbox;
mod responses;
pub mod server;
pub mod session;
pub mod sessions;
pub mod state;
mod stream;

pub use server::serve;
pub use state::{App, FrontSettings, Loaded, NamedPipeline};
