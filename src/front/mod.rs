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
mod deepstack;
pub mod documents;
mod failure_log;
mod fair_turns;
pub mod frame_memory;
mod guarded;
mod infer;
mod info;
mod jobs;
mod leftover;
pub mod link;
mod log_limit;
mod messages;
pub mod metrics;
mod multipart;
pub mod options;
pub mod origin;
pub mod outbox;
pub mod places;
mod query;
pub mod refusal_reason;
pub mod refusals;
mod request;
mod responses;
mod runs_on;
pub mod server;
pub mod session;
pub mod sessions;
mod single;
pub mod state;
mod stream;
mod tracks;
mod unfinished;
mod video;
mod video_memory;
mod video_settings;
mod video_turns;

pub use jobs::JobsFolder;
pub use runs_on::{Batches, RunsOn, RunsOnWatch};
pub use server::serve;
pub use state::{App, FrontSettings, Loaded, MemoryLimits, NamedPipeline};
pub use video_settings::VideoSettings;
