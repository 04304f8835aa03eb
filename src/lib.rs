//! Framegate takes JPEG frames, runs a neural detector on them and answers each one in time.
//!
//! ```text
//! JPEG ─ decode → resize → normalise ─▶ batch ─ infer ─▶ boxes ─▶ detections
//!        └── one rayon task a frame ┘           └ one owner thread a device
//! ```

// What a command is.
pub mod cli;
pub mod commands;
pub mod config;
pub mod logging;

// Where frames come from, and their way.
pub mod engine;
pub mod mjpeg;
pub mod sources;
pub mod stages;

// What computes.
pub mod backends;

// Other things that are read and written.
pub mod annotate;
pub mod npy;
