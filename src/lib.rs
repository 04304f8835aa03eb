//! Framegate takes JPEG frames, runs a neural detector on them and answers each one in time.
//!
//! ```text
//! JPEG ─ decode → resize → normalise ─▶ batch ─ infer ─▶ boxes ─▶ detections
//!        └── one rayon task a frame ┘           └ one owner thread a device
//! ```

pub mod stages;
