//! Which detection of one frame is which of another: numbers for objects that last while they are seen.
//!
//! Association by overlap with where a Kalman filter expects each object, certain detections first, as ByteTrack
//! does it (<https://arxiv.org/abs/2110.06864>). Unlike there, the clock is time and not the number of frames: a
//! frame that was dropped is a longer step, after which an object is expected further on, and less certainly.
//!
//! ```
//! use std::time::Duration;
//!
//! use framegate_tracking::{Bounds, Observation, Tracker};
//!
//! let mut tracker = Tracker::default();
//! let seen_at = |x| Observation { class_id: 0, score: 0.9, bounds: Bounds { x, y: 10.0, width: 40.0, height: 80.0 } };
//! let first = tracker.update(Duration::from_millis(0), &[seen_at(0.0), seen_at(300.0)]);
//! let next = tracker.update(Duration::from_millis(100), &[seen_at(304.0), seen_at(4.0)]);
//! assert_eq!((first, next), (vec![1, 2], vec![2, 1]));
//! ```

mod bounds;
mod motion;
mod tracker;

pub use bounds::Bounds;
pub use tracker::{MAX_TRACKS, MEMORY, Observation, Tracker};
