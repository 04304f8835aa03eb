//! Video jobs: submitted once, processed when there is room, asked about as often as anybody likes.
//!
//! ```text
//! POST /video/submit ─▶ front::jobs ─▶ run: lines, summary ─▶ status, results, followers
//!                           ▲
//!                           └─ restore: the jobs of an earlier process
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `run` | a job from its turn to its end |
//! | `restore` | jobs of an earlier process |
//! | `submit`, `routes`, `results` | over HTTP |
//! | `named` | the job that a request names |

mod named;
mod restore;
mod results;
mod routes;
mod run;
mod submit;

pub(in crate::front) use results::{__path_results, results};
pub(in crate::front) use routes::{
    __path_delete, __path_jobs, __path_status, delete, jobs, status,
};
pub(in crate::front) use submit::{__path_submit, submit};
