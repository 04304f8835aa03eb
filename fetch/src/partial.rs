//! A file that is arriving, beside the place that it will have.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::FetchError;
use crate::cache::{io_error, with_ending};

/// The part of a file that has arrived. No other process writes to it while this exists.
pub(crate) struct Partial {
    file: File,
    path: PathBuf,
    /// Bytes that are there.
    pub(crate) bytes: u64,
}

impl Partial {
    /// Opens what has arrived before, if anything; waits for another process that is fetching the file.
    pub(crate) fn open(target: &Path) -> Result<Self, FetchError> {
        let path = with_ending(target, "part");
        let error = |source| io_error(&path, source);
        fs::create_dir_all(target.parent().unwrap_or(Path::new("."))).map_err(error)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let file = options.open(&path).map_err(error)?;
        file.lock().map_err(error)?;
        let bytes = file.metadata().map_err(error)?.len();
        Ok(Self { file, path, bytes })
    }

    /// By what the server knows the file again; `None` if what is there cannot be continued.
    pub(crate) fn validator(&self) -> Option<String> {
        let text = fs::read_to_string(self.note()).ok()?;
        (self.bytes > 0 && !text.is_empty()).then_some(text)
    }

    /// Begins again, with a file that the server knows by this.
    pub(crate) fn restart(&mut self, validator: Option<&str>) -> Result<(), FetchError> {
        let note = self.note();
        fs::write(&note, validator.unwrap_or_default()).map_err(|error| io_error(&note, error))?;
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|error| self.error(error))?;
        self.bytes = 0;
        Ok(())
    }

    /// Goes to the end of what is there.
    pub(crate) fn resume(&mut self) -> Result<(), FetchError> {
        let moved = self.file.seek(SeekFrom::Start(self.bytes));
        moved.map(drop).map_err(|error| self.error(error))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.file.write_all(bytes).map_err(|error| self.error(error))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Forgets what is there.
    pub(crate) fn discard(self) {
        // What is left is overwritten by the next try.
        let _ = fs::remove_file(self.note());
        let _ = fs::remove_file(&self.path);
    }

    /// Moves it to its place.
    pub(crate) fn finish(self, target: &Path) -> Result<(), FetchError> {
        self.file.sync_all().map_err(|error| self.error(error))?;
        fs::rename(&self.path, target).map_err(|error| io_error(target, error))?;
        let _ = fs::remove_file(self.note());
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn note(&self) -> PathBuf {
        with_ending(&self.path, "known-by")
    }

    fn error(&self, source: io::Error) -> FetchError {
        io_error(&self.path, source)
    }
}
