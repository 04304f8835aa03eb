//! Jobs on disk: for each a folder with the upload, the request and the lines so far. All of this blocks.
//!
//! The lines are the only truth about how far a job is. A job whose request is not there was never accepted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use bytes::Bytes;
use uuid::Uuid;

use super::job::JobRequest;
use crate::locks::unpoisoned;
use crate::protocol::VideoLine;

const UPLOAD: &str = "upload";
const REQUEST: &str = "job.json";
const LINES: &str = "lines.ndjson";
const LOCK: &str = "lock";

/// The folder of a server's jobs. No other process can have it at the same time.
#[derive(Debug)]
pub struct JobsFolder {
    root: PathBuf,
    lock: Mutex<Option<File>>,
}

/// A job of an earlier process.
pub(in crate::front) struct StoredJob {
    pub(in crate::front) id: Uuid,
    pub(in crate::front) request: JobRequest,
    pub(in crate::front) lines: Vec<(VideoLine, Bytes)>,
    pub(in crate::front) updated_at: SystemTime,
}

impl JobsFolder {
    /// Opens the folder; creates it if it is not there.
    ///
    /// # Errors
    /// When it cannot be used, or another process uses it.
    pub fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(root.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::other("another server uses it"),
            fs::TryLockError::Error(error) => error,
        })?;
        Ok(Self { root: root.to_owned(), lock: Mutex::new(Some(lock)) })
    }

    /// Lets another process have the folder.
    pub(in crate::front) fn release(&self) -> io::Result<()> {
        unpoisoned(self.lock.lock()).take().map_or(Ok(()), |lock| lock.unlock())
    }

    /// Where the upload of a job is.
    pub(in crate::front) fn upload(&self, id: Uuid) -> PathBuf {
        self.of(id).join(UPLOAD)
    }

    /// Stores a new job with its first line. Once this returns it survives a restart.
    pub(in crate::front) fn create(
        &self,
        id: Uuid,
        request: &JobRequest,
        upload: &[u8],
        first_line: &[u8],
    ) -> io::Result<()> {
        let folder = self.of(id);
        fs::create_dir(&folder)?;
        write(&folder.join(UPLOAD), upload)?;
        write(&folder.join(LINES), first_line)?;
        // Last, and all at once: with it the job is there.
        let draft = folder.join("job.draft");
        write(&draft, &serde_json::to_vec(request)?)?;
        fs::rename(draft, folder.join(REQUEST))
    }

    /// The file that lines are appended to.
    pub(in crate::front) fn lines(&self, id: Uuid) -> io::Result<File> {
        OpenOptions::new().append(true).open(self.of(id).join(LINES))
    }

    /// A job has ended: its upload is of no more use.
    pub(in crate::front) fn finish(&self, id: Uuid) -> io::Result<()> {
        unless_absent(fs::remove_file(self.upload(id)))
    }

    /// Removes all that is stored of a job.
    pub(in crate::front) fn remove(&self, id: Uuid) -> io::Result<()> {
        // First, and all at once: without it the job is gone, however much else is left.
        unless_absent(fs::remove_file(self.of(id).join(REQUEST)))?;
        unless_absent(fs::remove_dir_all(self.of(id)))
    }

    /// The jobs of earlier processes, the oldest first. What is left of others is removed.
    pub(in crate::front) fn load(&self) -> io::Result<Vec<StoredJob>> {
        let mut jobs = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let Ok(id) = entry?.file_name().to_string_lossy().parse() else { continue };
            let request = match fs::read(self.of(id).join(REQUEST)) {
                Ok(text) => serde_json::from_slice(&text).ok(),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            let Some(request) = request else {
                self.remove(id)?;
                continue;
            };
            let (lines, updated_at) = match whole_lines(&self.of(id).join(LINES)) {
                Ok(found) => found,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    tracing::error!(%id, "the lines of a job have gone, so it is removed");
                    self.remove(id)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            jobs.push(StoredJob { id, request, lines, updated_at });
        }
        jobs.sort_by_key(|job| job.request.created_at());
        Ok(jobs)
    }

    fn of(&self, id: Uuid) -> PathBuf {
        self.root.join(id.to_string())
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn unless_absent(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// The whole lines at the beginning of a file, and when it was last changed. The rest of it is cut off.
fn whole_lines(path: &Path) -> io::Result<(Vec<(VideoLine, Bytes)>, SystemTime)> {
    let file = OpenOptions::new().write(true).open(path)?;
    let changed = file.metadata()?.modified()?;
    let text = Bytes::from(fs::read(path)?);
    let mut lines = Vec::new();
    let mut good = 0;
    while let Some(length) = memchr::memchr(b'\n', &text[good..]) {
        let json = text.slice(good..=good + length);
        let Ok(line) = serde_json::from_slice(&json) else { break };
        good += json.len();
        let is_last = matches!(line, VideoLine::Done(_) | VideoLine::Error(_));
        lines.push((line, Bytes::copy_from_slice(&json)));
        if is_last {
            break;
        }
    }
    if good < text.len() {
        file.set_len(good as u64)?;
    }
    Ok((lines, changed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::FrameSelection;

    const HEADER: &[u8] = b"{\"video\":{\"width\":64,\"height\":48,\"frames\":3,\"fps\":25.0,\"codec\":\"h264\",\"duration_ms\":120.0}}\n";
    const FRAME: &[u8] =
        b"{\"frame_index\":0,\"error\":\"decode_failed\",\"detail\":\"cut off\"}\n";

    fn request() -> JobRequest {
        JobRequest::new("codes", FrameSelection::ALL)
    }

    #[test]
    fn a_job_is_found_again_with_its_whole_lines() {
        let root = tempfile::tempdir().unwrap();
        let folder = JobsFolder::open(root.path()).unwrap();
        let id = Uuid::new_v4();
        folder.create(id, &request(), b"video", HEADER).unwrap();
        folder.lines(id).unwrap().write_all(&[FRAME, &FRAME[..20]].concat()).unwrap();
        for _ in 0..2 {
            let jobs = folder.load().unwrap();
            assert_eq!(jobs.len(), 1);
            assert_eq!((jobs[0].id, &jobs[0].request), (id, &request_of(&jobs[0])));
            let lines: Vec<&[u8]> = jobs[0].lines.iter().map(|(_, json)| &**json).collect();
            assert_eq!(lines, [HEADER, FRAME]);
        }
        let stored = fs::read(folder.of(id).join(LINES)).unwrap();
        assert_eq!(stored, [HEADER, FRAME].concat(), "what is appended follows a whole line");
        assert_eq!(fs::read(folder.upload(id)).unwrap(), b"video");
        folder.finish(id).unwrap();
        folder.finish(id).unwrap();
        folder.remove(id).unwrap();
        folder.remove(id).unwrap();
        assert!(folder.load().unwrap().is_empty());
    }

    fn request_of(job: &StoredJob) -> JobRequest {
        serde_json::from_slice(&serde_json::to_vec(&job.request).unwrap()).unwrap()
    }

    #[test]
    fn lines_that_make_no_sense_are_cut_off() {
        let root = tempfile::tempdir().unwrap();
        let folder = JobsFolder::open(root.path()).unwrap();
        for rest in [&b"\0\0\0\0\n"[..], b"{}\n", b"\n", b"{\"frame_index\":1}\n"] {
            let id = Uuid::new_v4();
            folder.create(id, &request(), b"", HEADER).unwrap();
            folder.lines(id).unwrap().write_all(&[rest, FRAME].concat()).unwrap();
            assert_eq!(folder.load().unwrap()[0].lines.len(), 1, "{rest:?}");
            folder.remove(id).unwrap();
        }
    }

    #[test]
    fn a_job_that_was_never_accepted_is_removed_and_other_files_are_not() {
        let root = tempfile::tempdir().unwrap();
        let folder = JobsFolder::open(root.path()).unwrap();
        let half = folder.of(Uuid::new_v4());
        fs::create_dir(&half).unwrap();
        fs::write(half.join(UPLOAD), b"half a vid").unwrap();
        let other = root.path().join("holidays");
        fs::create_dir(&other).unwrap();
        assert!(folder.load().unwrap().is_empty());
        assert!(!half.exists() && other.exists());
    }

    #[test]
    fn a_job_that_was_half_removed_keeps_no_other_from_being_found() {
        let root = tempfile::tempdir().unwrap();
        let folder = JobsFolder::open(root.path()).unwrap();
        let [whole, without_lines, without_request] = [(); 3].map(|()| Uuid::new_v4());
        for id in [whole, without_lines, without_request] {
            folder.create(id, &request(), b"video", HEADER).unwrap();
        }
        fs::remove_file(folder.of(without_lines).join(LINES)).unwrap();
        fs::remove_file(folder.of(without_request).join(REQUEST)).unwrap();
        let found: Vec<_> = folder.load().unwrap().iter().map(|job| job.id).collect();
        assert_eq!(found, [whole]);
        assert!(!folder.of(without_lines).exists() && !folder.of(without_request).exists());
    }

    #[test]
    fn a_folder_has_one_user_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let folder = JobsFolder::open(root.path()).unwrap();
        let refused = JobsFolder::open(root.path()).unwrap_err();
        assert_eq!(refused.to_string(), "another server uses it");
        folder.release().unwrap();
        JobsFolder::open(root.path()).unwrap();
    }
}
