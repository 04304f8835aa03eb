//! Jobs of an earlier process: those that were not over go on after their last whole line.

use std::io;
use std::sync::Arc;

use super::run::run;
use crate::engine::blocking;
use crate::front::jobs::{Job, JobsFolder, Owner, StoredJob};
use crate::front::state::App;
use crate::sources::VideoInput;

impl App {
    /// Keeps jobs in this folder from now on, and takes up those that are in it.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn keep_jobs_in(self: &Arc<Self>, folder: JobsFolder) -> io::Result<()> {
        let folder = Arc::new(folder);
        self.jobs.keep_in(Arc::clone(&folder));
        let loaded = Arc::clone(&folder);
        for stored in blocking(move || loaded.load()).await? {
            let StoredJob { id, request, lines, updated_at } = stored;
            let job =
                Job::new(id, Owner::Itself(id), request, lines, updated_at, &self.jobs.memory);
            if !job.is_over() {
                tracing::info!(job = %id, frames = job.totals().frames, "video_job_resumed");
            }
            let input = VideoInput::File(folder.upload(id));
            self.jobs.add(Arc::clone(&job), run(Arc::clone(self), job, input, None), None);
        }
        Ok(())
    }
}
