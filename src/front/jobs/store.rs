//! The jobs that a server knows: how many, and for how long.
//!
//! A job that has ended is kept for its time, unless there are as many jobs as there may be, or their results take all
//! the memory for them. Then the address that has most makes room first, and none that has less.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use tokio::task::JoinHandle;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use uuid::Uuid;

use super::folder::JobsFolder;
use super::job::{Job, Owner};
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
    /// For whom there is a place, of jobs that are being stored.
    reserved: Vec<Owner>,
}

/// A job and what runs for it, which ends with this.
struct Entry {
    job: Arc<Job>,
    _running: AbortOnDropHandle<()>,
}

/// The place of a job that is being stored.
pub(in crate::front) struct Slot {
    jobs: Arc<Jobs>,
    owner: Owner,
}

/// Why there is no place for a job. Says so to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::front) enum NoPlace {
    #[error("The server has as many jobs as it takes (VIDEO_MAX_JOBS)")]
    Full,
    #[error("This address has as many jobs under way as one may have: {0}")]
    OfAddress(usize),
}

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

    /// Whether there would be a place for one more job of this owner.
    ///
    /// # Errors
    /// [`NoPlace`].
    pub(in crate::front) fn check_place(&self, owner: Owner) -> Result<(), NoPlace> {
        self.find_place(&self.lock(), owner).map(drop)
    }

    /// A place for one more job. Where all are taken, a job that has ended is forgotten for it.
    ///
    /// # Errors
    /// [`NoPlace`].
    pub(in crate::front) fn reserve(self: &Arc<Self>, owner: Owner) -> Result<Slot, NoPlace> {
        loop {
            let mut entries = self.lock();
            let Some(in_its_place) = self.find_place(&entries, owner)? else {
                entries.reserved.push(owner);
                return Ok(Slot { jobs: Arc::clone(self), owner });
            };
            drop(entries);
            self.forget(&in_its_place);
        }
    }

    /// The job that must be forgotten for one more of this owner; `None` if there is a free place.
    fn find_place(&self, entries: &Entries, owner: Owner) -> Result<Option<Uuid>, NoPlace> {
        if entries.under_way(owner) >= self.most_of_one() {
            return Err(NoPlace::OfAddress(self.most_of_one()));
        }
        if entries.jobs.len() + entries.reserved.len() < self.most {
            return Ok(None);
        }
        entries.to_forget(owner, |_| 1).map(Some).ok_or(NoPlace::Full)
    }

    /// Most jobs of one address that have not ended: a quarter of the places is for others.
    fn most_of_one(&self) -> usize {
        self.most - self.most / 4
    }

    /// Makes room for a line of this many bytes. Jobs that have ended are forgotten for it; `false` if that does not
    /// suffice.
    pub(in crate::front) fn make_room(&self, owner: Owner, line: usize) -> bool {
        while !self.memory.has_room(line) {
            let in_its_place = self.lock().to_forget(owner, Job::held_bytes);
            if in_its_place.and_then(|id| self.forget(&id)).is_none() {
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
        let entry = Entry { job, _running: AbortOnDropHandle::new(self.tasks.spawn(running)) };
        self.lock().jobs.push(entry);
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

impl Entries {
    /// Jobs of this owner that have not ended.
    fn under_way(&self, owner: Owner) -> usize {
        let of_owner = self.jobs.iter().filter(|entry| entry.job.owner == owner);
        let reserved = self.reserved.iter().filter(|reserved| **reserved == owner);
        of_owner.filter(|entry| !entry.job.is_over()).count() + reserved.count()
    }

    /// The job to forget for one of this owner: the one that ended first, of the owner who has most by this measure
    /// of a job and has more than this one, or is this one.
    fn to_forget(&self, owner: Owner, measure: impl Fn(&Job) -> usize) -> Option<Uuid> {
        let mut held: HashMap<Owner, usize> = HashMap::new();
        for Entry { job, .. } in &self.jobs {
            *held.entry(job.owner).or_default() += measure(job);
        }
        let own = held.get(&owner).copied().unwrap_or(0);
        let over = self.jobs.iter().filter_map(|Entry { job, .. }| Some((job, job.ended_at()?)));
        let gives_way = over.filter(|(job, _)| job.owner == owner || held[&job.owner] > own);
        let first = gives_way.max_by_key(|(job, ended_at)| (held[&job.owner], Reverse(*ended_at)));
        first.map(|(job, _)| job.id)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let reserved = &mut self.jobs.lock().reserved;
        if let Some(place) = reserved.iter().position(|owner| *owner == self.owner) {
            reserved.swap_remove(place);
        }
    }
}
