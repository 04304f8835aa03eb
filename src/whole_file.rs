//! Reads files that a user names as a whole, within bounds.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Far more than labels or tensors take: COCO's largest file of labels has 0.5 GB.
const MAX_BYTES: u64 = 4 << 30;

/// The bytes of a file.
///
/// # Errors
/// What the system says; also for what is not a regular file or larger than 4 GiB.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a file.
///
/// # Errors
/// As [`read`], and for what is not UTF-8.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

fn open(path: &Path) -> io::Result<impl Read> {
    let refused = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    // A pipe or a device might never end.
    let about = std::fs::metadata(path)?;
    if !about.is_file() {
        return refused("it is not a file");
    }
    if about.len() > MAX_BYTES {
        return refused("it is larger than 4 GiB; use a part of it");
    }
    // It may grow while it is read.
    Ok(File::open(path)?.take(MAX_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_end_and_what_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.json");
        std::fs::write(&path, "{}").unwrap();
        assert_eq!(read_text(&path).unwrap(), "{}");
        assert_eq!(read(&path).unwrap(), b"{}");
        // A file with a hole is as large as it says.
        File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
        for message in [read(&path).unwrap_err(), read_text(&path).unwrap_err()] {
            assert!(message.to_string().contains("larger than 4 GiB"), "{message}");
        }
        assert!(read(folder.path()).unwrap_err().to_string().contains("not a file"));
        if Path::new("/dev/zero").exists() {
            assert!(read(Path::new("/dev/zero")).unwrap_err().to_string().contains("not a file"));
        }
    }
}
