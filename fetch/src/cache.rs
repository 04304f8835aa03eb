//! The folder that fetched files are kept in. A complete file has a note beside it that says where it came from.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::{Address, FetchError};

/// The ending of a note's name.
const NOTE: &str = "from";
/// The line of a note after which the files are listed that belong to one.
const COMPANIONS: &str = "with";
/// Folders below folders: more than any address has.
const DEEPEST: usize = 64;

/// A folder for fetched files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// The folder, which need not exist.
    pub folder: PathBuf,
}

/// A file that has been fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedFile {
    /// Its address, as it was asked for.
    pub address: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 it had when it arrived, in lower-case hexadecimal.
    pub sha256: String,
    /// The places of the files that belong to it, once all of them are there: a model's sidecar, its weights.
    pub companions: Option<Vec<PathBuf>>,
}

impl Cache {
    /// The place of a file.
    pub fn path_of(&self, address: &Address) -> PathBuf {
        self.folder.join(address.place())
    }

    /// A file, if it is complete.
    pub fn find(&self, address: &Address) -> Option<CachedFile> {
        read(&self.path_of(address))
    }

    /// All complete files, by path.
    ///
    /// # Errors
    /// [`FetchError::Io`].
    pub fn list(&self) -> Result<Vec<CachedFile>, FetchError> {
        let mut files = Vec::new();
        collect(&self.folder, DEEPEST, &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Removes a file, and what belongs to it and to no other.
    ///
    /// # Errors
    /// [`FetchError::Io`].
    pub fn remove(&self, file: &CachedFile) -> Result<(), FetchError> {
        self.remove_one(&file.path)?;
        let others: Vec<PathBuf> =
            self.list()?.into_iter().filter_map(|other| other.companions).flatten().collect();
        let own = file.companions.iter().flatten().filter(|place| !others.contains(place));
        own.map(|place| self.folder.join(place)).try_for_each(|path| self.remove_one(&path))
    }

    fn remove_one(&self, file: &Path) -> Result<(), FetchError> {
        // Without its note it counts as absent, whatever happens next.
        for path in [with_ending(file, NOTE), file.to_owned()] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(io_error(&path, error));
                }
                _ => {}
            }
        }
        // Folders with something in them stay.
        let above = file.ancestors().skip(1).take_while(|folder| *folder != self.folder);
        let _ = above.map(fs::remove_dir).take_while(Result::is_ok).count();
        Ok(())
    }

    /// Notes that everything that belongs to a file is there.
    ///
    /// # Errors
    /// [`FetchError::Io`].
    pub fn complete(&self, address: &Address, companions: &[Address]) -> Result<(), FetchError> {
        let path = with_ending(&self.path_of(address), NOTE);
        let Some(file) = self.find(address) else { return Ok(()) };
        let mut note = format!("{}\n{}\n{COMPANIONS}\n", file.address, file.sha256);
        for companion in companions {
            note += &format!("{}\n", companion.place().display());
        }
        fs::write(&path, note).map_err(|error| io_error(&path, error))
    }

    /// Notes that a file is complete.
    #[cfg(feature = "http")]
    pub(crate) fn note(&self, address: &Address, sha256: &str) -> Result<(), FetchError> {
        let path = with_ending(&self.path_of(address), NOTE);
        fs::write(&path, format!("{address}\n{sha256}\n")).map_err(|error| io_error(&path, error))
    }
}

/// A path with a further ending.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut longer = path.as_os_str().to_owned();
    longer.push(".");
    longer.push(ending);
    longer.into()
}

pub(crate) fn io_error(path: &Path, source: io::Error) -> FetchError {
    FetchError::Io { path: path.to_owned(), source }
}

fn read(path: &Path) -> Option<CachedFile> {
    let note = fs::read_to_string(with_ending(path, NOTE)).ok()?;
    let mut lines = note.lines().map(str::to_owned);
    let (address, sha256) = (lines.next()?, lines.next()?);
    let about = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let companions = lines.next().filter(|line| line == COMPANIONS);
    let companions = companions.map(|_| lines.map(PathBuf::from).collect());
    Some(CachedFile { address, path: path.to_owned(), bytes: about.len(), sha256, companions })
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<CachedFile>) -> Result<(), FetchError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error(folder, error)),
    };
    for entry in entries {
        let path = entry.map_err(|error| io_error(folder, error))?.path();
        if path.is_dir() && depth > 0 {
            collect(&path, depth - 1, files)?;
        } else {
            files.extend(read(&path));
        }
    }
    Ok(())
}
