//! The jobs that a server knows: how many, and for how long.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use tokio::task::JoinHandle;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use uuid::Uuid;

use super::folder::JobsFolder;
use super::job::Job;
use super::result_memory::ResultMemory;
use crate::engine::blocking;
use crate::front::video_settings::VideoSettings;
use crate::locks::unpoisoned;

/// The jobs of a server.
pub(in crate::front) struct Jobs {
    most: usize,
    pub(in crate::front) memory: Arc<ResultMemory>,
    folder: OnceLock<Arc<JobsFolder>>,
    entries: Mutex<Entries>,
    /// The tasks that run for them.
    tasks: TaskTracker,
}

#[derive(Default)]
struct Entries {
    /// The oldest first.
    jobs: Vec<Entry>,
    /// Places of jobs that are still arriving.
    reserved: usize,
}

/// A job and what runs for it, which ends with this.
struct Entry {
    job: Arc<Job>,
    _running: AbortOnDropHandle<()>,
}

/// The place of a job that is still arriving.
pub(in crate::front) struct Slot(Arc<Jobs>);

impl Jobs {
    pub(in crate::front) fn new(settings: &VideoSettings) -> Arc<Self> {
        Arc::new(Self {
            most: settings.max_jobs,
            memory: ResultMemory::new(settings.max_result_bytes),
            folder: OnceLock::new(),
            entries: Mutex::default(),
            tasks: TaskTracker::new(),
        })
    }

    /// Where jobs are kept, if anywhere.
    pub(in crate::front) fn folder(&self) -> Option<&Arc<JobsFolder>> {
        self.folder.get()
    }

    /// From now on jobs are kept in this folder. Only the first call has an effect.
    pub(in crate::front) fn keep_in(&self, folder: Arc<JobsFolder>) {
        let _ = self.folder.set(folder);
    }

    /// A place for one more job. Where all are taken, the job that ended first is forgotten; `None` if none has ended.
    pub(in crate::front) fn reserve(self: &Arc<Self>) -> Option<Slot> {
        loop {
            let mut entries = self.lock();
            if entries.jobs.len() + entries.reserved < self.most {
                entries.reserved += 1;
                return Some(Slot(Arc::clone(self)));
            }
            drop(entries);
            self.forget_one_that_ended()?;
        }
    }

    /// Makes room for a line of this many bytes. Jobs that have ended are forgotten for it; `false` if that does not
    /// suffice.
    pub(in crate::front) fn make_room(&self, line: usize) -> bool {
        while !self.memory.has_room(line) {
            if self.forget_one_that_ended().is_none() {
                return false;
            }
        }
        true
    }

    /// Adds a job, with what runs for it.
    pub(in crate::front) fn add(
        &self,
        job: Arc<Job>,
        running: impl Future<Output = ()> + Send + 'static,
        slot: Option<Slot>,
    ) {
        let mut entries = self.lock();
        let running = AbortOnDropHandle::new(self.tasks.spawn(running));
        entries.jobs.push(Entry { job, _running: running });
        drop(entries);
        // Its place is the job's own from now on.
        drop(slot);
    }

    pub(in crate::front) fn get(&self, id: &Uuid) -> Option<Arc<Job>> {
        let entries = self.lock();
        entries.jobs.iter().find(|entry| entry.job.id == *id).map(|entry| Arc::clone(&entry.job))
    }

    /// All jobs, the newest first.
    pub(in crate::front) fn list(&self) -> Vec<Arc<Job>> {
        self.lock().jobs.iter().rev().map(|entry| Arc::clone(&entry.job)).collect()
    }

    /// Ends a job and forgets it. What is returned ends when its files are gone; `None` if there is no such job.
    pub(in crate::front) fn forget(&self, id: &Uuid) -> Option<JoinHandle<()>> {
        let mut entries = self.lock();
        let place = entries.jobs.iter().position(|entry| entry.job.id == *id)?;
        let entry = entries.jobs.remove(place);
        drop(entries);
        drop(entry);
        let (folder, id) = (self.folder().cloned(), *id);
        Some(self.tasks.spawn(async move {
            let Some(folder) = folder else { return };
            if let Err(error) = blocking(move || folder.remove(id)).await {
                tracing::warn!(job = %id, %error, "the files of a job cannot be removed");
            }
        }))
    }

    fn forget_one_that_ended(&self) -> Option<()> {
        let ended = {
            let entries = self.lock();
            let over = entries.jobs.iter().filter(|entry| entry.job.is_over());
            over.max_by_key(|entry| entry.job.age()).map(|entry| entry.job.id)
        };
        self.forget(&ended?).map(drop)
    }

    /// Returns when nothing runs for jobs any more, which must have been asked to end; another process may use the
    /// folder then.
    pub(in crate::front) async fn all_ended(&self) -> io::Result<()> {
        self.tasks.close();
        self.tasks.wait().await;
        match self.folder().cloned() {
            Some(folder) => blocking(move || folder.release()).await,
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        unpoisoned(self.entries.lock())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.lock().reserved -= 1;
    }
}
