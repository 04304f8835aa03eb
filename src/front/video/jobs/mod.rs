//! Video jobs: submitted once, processed when there is room, asked about as often as anybody likes.
//!
//! ```text
//! POST /video/submit ─▶ store ─▶ run ─▶ job: lines, summary ─▶ status, results, followers
//!                         ▲       │
//!                         └ folder ◀ lines, if the jobs are to survive a restart
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `job` | the lines of a job, and what they amount to |
//! | `result_memory` | bytes of lines: bounded over all jobs |
//! | `store` | the jobs that a server knows: how many, how long |
//! | `run` | a job from its turn to its end |
//! | `folder` | jobs on disk; all of it blocks |
//! | `restore` | jobs of an earlier process |
//! | `submit`, `routes`, `results` | over HTTP |

mod folder;
mod job;
mod restore;
mod result_memory;
mod results;
pub(in crate::front) mod routes;
mod run;
mod store;
mod submit;

pub use folder::JobsFolder;
pub(in crate::front) use store::Jobs;
