//! The video jobs that a server knows: their lines, and how long they are kept.
//!
//! | file | what |
//! | --- | --- |
//! | `job` | the lines of a job, and what they amount to |
//! | `result_memory` | bytes of lines: bounded over all jobs |
//! | `store` | the jobs that a server knows: how many, how long |
//! | `folder` | jobs on disk; all of it blocks |

mod folder;
mod job;
mod result_memory;
mod store;

pub use folder::JobsFolder;
pub(super) use folder::StoredJob;
pub(super) use job::{Job, JobRequest, JobState, Owner, failed};
pub(super) use store::Jobs;
