//! How ffmpeg gets at the bytes of a video.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Child, Command, Stdio};

use bytes::Bytes;

use crate::input::Input;

/// A video that several programs can read one after another.
pub(super) struct Source {
    argument: OsString,
    bytes: Where,
}

enum Where {
    /// At the path that is the argument.
    InFile,
    /// In a file that is in no file system: unlike in a pipe, ffmpeg can go back and forth in it.
    #[cfg(target_os = "linux")]
    Unlinked(std::fs::File),
    /// They are written to the standard input.
    #[cfg(not(target_os = "linux"))]
    Piped(Bytes),
}

impl Source {
    pub(super) fn of(input: &Input) -> io::Result<Self> {
        match input {
            Input::File(path) => {
                // Without the prefix a name with a colon in it would be an address.
                let argument = [OsStr::new("file:"), path.as_os_str()].into_iter().collect();
                Ok(Self { argument, bytes: Where::InFile })
            }
            Input::Memory(bytes) => Self::in_memory(bytes),
        }
    }

    #[cfg(target_os = "linux")]
    fn in_memory(bytes: &Bytes) -> io::Result<Self> {
        use std::io::Write;

        let file = rustix::fs::memfd_create("video", rustix::fs::MemfdFlags::CLOEXEC)?;
        let mut file = std::fs::File::from(file);
        file.write_all(bytes)?;
        // Each program that opens it by this name begins at its beginning.
        Ok(Self { argument: "file:/proc/self/fd/0".into(), bytes: Where::Unlinked(file) })
    }

    #[cfg(not(target_os = "linux"))]
    fn in_memory(bytes: &Bytes) -> io::Result<Self> {
        Ok(Self { argument: "pipe:0".into(), bytes: Where::Piped(bytes.clone()) })
    }

    /// The argument that names it.
    pub(super) fn argument(&self) -> &OsStr {
        &self.argument
    }

    /// Starts a program that reads it.
    pub(super) fn give_to(&self, command: &mut Command) -> io::Result<Child> {
        match &self.bytes {
            Where::InFile => command.stdin(Stdio::null()).spawn(),
            #[cfg(target_os = "linux")]
            Where::Unlinked(file) => command.stdin(file.try_clone()?).spawn(),
            #[cfg(not(target_os = "linux"))]
            Where::Piped(bytes) => {
                use std::io::Write;

                let mut child = command.stdin(Stdio::piped()).spawn()?;
                if let Some(mut pipe) = child.stdin.take() {
                    let bytes = bytes.clone();
                    // Ends when the program does. A pipe that breaks belongs to one that has seen enough.
                    let feed = move || drop(pipe.write_all(&bytes));
                    std::thread::Builder::new().name("ffmpeg-input".to_owned()).spawn(feed)?;
                }
                Ok(child)
            }
        }
    }
}
