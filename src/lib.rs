//! Framegate takes JPEG frames, runs a neural detector on them and answers each one in time.
//!
//! ```text
//! socket ─ validate ─ admit ─ one-slot mailbox ─┐            asynchronous, no pixels
//!                                               ▼
//!           decode → resize → normalise                      one rayon task a frame
//!                                               ▼
//!           batch across sessions → infer                    one owner thread a device
//!                                               ▼
//!           boxes, without overlaps → answer
//! ```

// What a command is.
pub mod cli;
pub mod commands;
pub mod config;
pub mod logging;
pub mod panics;

// The wire.
pub mod protocol;

// Where frames come from.
pub mod front;
pub mod mjpeg;
pub mod sources;

// Their way.
pub mod engine;
pub mod stages;

// What computes.
pub mod backends;

// Measuring it.
pub mod bench;
pub mod eval;
pub mod load;

// Other things that are read and written.
pub mod annotate;
pub mod npy;
pub mod report;
