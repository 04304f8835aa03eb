//! Turns the paths of a command line into a stream of frames.

mod stdin;
mod video;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::iter;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::engine::{FrameError, FrameErrorCode, FrameOrigin, SourceFrame};
use crate::mjpeg::{MjpegError, MjpegFrames};
use crate::stop::StopFlag;
use stdin::Interruptible;

pub use video::{
    FrameSelection, LiveFrameError, LiveH264, OpenVideo, VideoFrame, VideoInfo, VideoInput,
    VideoLimits, VideoProblem, VideoProblemKind, info as video_info, open as open_video,
    open_live as open_video_live,
};

/// Where frames come from.
#[derive(Debug)]
pub enum Source {
    /// One JPEG file.
    File(PathBuf),
    /// The chosen frames of one video file.
    Video {
        /// The file.
        path: PathBuf,
        /// Which of its frames.
        selection: FrameSelection,
    },
    /// A file of concatenated JPEGs.
    Clip(PathBuf),
    /// Concatenated JPEGs on standard input.
    StandardInput,
    /// A directory that yields no frames, and why.
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// Why it yields none.
        problem: String,
    },
}

impl Source {
    /// How many frames it has, about; `None` where that cannot be known before they are read.
    pub fn frames(&self) -> Option<u64> {
        match self {
            Self::File(_) | Self::Unreadable { .. } => Some(1),
            Self::StandardInput | Self::Clip(_) => None,
            Self::Video { path, selection } => match video::info(path) {
                Ok(info) => Some(selection.count(info.about_frames()?, info.fps)),
                // One with an error.
                Err(_) => Some(1),
            },
        }
    }
}

/// Replaces every directory by the `.jpg` and `.jpeg` files in it, sorted by name, and `-` by standard
/// input. Files named `.mjpeg` or `.mjpg` are concatenated JPEGs. Videos are known by their names or by how they begin.
pub fn expand(paths: &[PathBuf]) -> Vec<Source> {
    expand_selecting(paths, FrameSelection::ALL)
}

/// [`expand`], with which frames of videos are wanted.
pub fn expand_selecting(paths: &[PathBuf], selection: FrameSelection) -> Vec<Source> {
    paths
        .iter()
        .flat_map(|path| match path {
            path if path.as_os_str() == "-" => vec![Source::StandardInput],
            path if path.is_dir() => directory(path),
            path if has_extension(path, &["mjpeg", "mjpg"]) => vec![Source::Clip(path.clone())],
            path if video::is_video(path) => {
                vec![Source::Video { path: path.clone(), selection }]
            }
            path => vec![Source::File(path.clone())],
        })
        .collect()
}

/// Opens the sources one after another and reads their frames, JPEGs of at most `max_bytes` each, until
/// `stop` is set.
///
/// Frames of standard input, and of a file of concatenated JPEGs, are numbered from 1, damaged ones included. If there
/// is none, that is an error of the first.
pub fn frames(
    sources: Vec<Source>,
    max_bytes: usize,
    stop: StopFlag,
) -> impl Iterator<Item = SourceFrame> + Send + 'static {
    let stopped = stop.clone();
    let frames = sources.into_iter().flat_map(
        move |source| -> Box<dyn Iterator<Item = SourceFrame> + Send> {
            match source {
                Source::StandardInput => match Interruptible::start(io::stdin(), stop.clone()) {
                    Ok(input) => Box::new(stream(input, max_bytes)),
                    Err(error) => {
                        let origin = FrameOrigin::Stream { number: 1 };
                        Box::new(iter::once(unreadable(origin, error.to_string())))
                    }
                },
                Source::Clip(path) => match File::open(&path) {
                    Ok(file) => Box::new(clip(path, file, max_bytes)),
                    Err(error) => {
                        let origin = FrameOrigin::Clip { path, number: 1 };
                        Box::new(iter::once(unreadable(origin, error.to_string())))
                    }
                },
                Source::File(path) => {
                    let jpeg = read_file(&path, max_bytes).map(Bytes::from);
                    Box::new(iter::once(SourceFrame::new(FrameOrigin::File(path), jpeg)))
                }
                Source::Video { path, selection } => video::frames(&path, selection),
                Source::Unreadable { path, problem } => {
                    Box::new(iter::once(unreadable(FrameOrigin::File(path), problem)))
                }
            }
        },
    );
    frames.take_while(move |_| !stopped.is_set())
}

/// The frames of concatenated JPEGs on standard input.
fn stream(
    input: impl Read + Send + 'static,
    max_bytes: usize,
) -> impl Iterator<Item = SourceFrame> + Send + 'static {
    let nothing = "standard input holds no JPEG";
    concatenated(input, max_bytes, nothing, |number| FrameOrigin::Stream { number })
}

/// The frames of concatenated JPEGs in a file.
fn clip(
    path: PathBuf,
    file: File,
    max_bytes: usize,
) -> impl Iterator<Item = SourceFrame> + Send + 'static {
    let origin = move |number| FrameOrigin::Clip { path: path.clone(), number };
    concatenated(file, max_bytes, "the file holds no JPEG", origin)
}

fn concatenated(
    input: impl Read + Send + 'static,
    max_bytes: usize,
    nothing: &'static str,
    origin: impl Fn(usize) -> FrameOrigin + Send + 'static,
) -> impl Iterator<Item = SourceFrame> + Send + 'static {
    let first = origin(1);
    let mut frames = MjpegFrames::new(input, max_bytes).zip(1..).map(move |(frame, number)| {
        let jpeg = frame.map(Bytes::from).map_err(FrameError::from);
        SourceFrame::new(origin(number), jpeg)
    });
    let first = frames.next().unwrap_or_else(|| unreadable(first, nothing.to_owned()));
    iter::once(first).chain(frames)
}

fn unreadable(origin: FrameOrigin, problem: String) -> SourceFrame {
    let jpeg: Result<Bytes, _> = Err(FrameError::new(FrameErrorCode::ReadFailed, problem));
    SourceFrame::new(origin, jpeg)
}

fn directory(path: &Path) -> Vec<Source> {
    let no_frames = |problem: String| vec![Source::Unreadable { path: path.to_owned(), problem }];
    let names = fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>());
    let mut files = match names {
        Ok(names) => names,
        Err(error) => return no_frames(error.to_string()),
    };
    files.retain(|file| has_extension(file, &["jpg", "jpeg"]) && !file.is_dir());
    files.sort();
    if files.is_empty() {
        return no_frames("there are no .jpg or .jpeg files in this directory".to_owned());
    }
    files.into_iter().map(Source::File).collect()
}

fn has_extension(path: &Path, wanted: &[&str]) -> bool {
    let is = |found: &OsStr| wanted.iter().any(|wanted| found.eq_ignore_ascii_case(wanted));
    path.extension().is_some_and(is)
}

/// Reads a whole file, but never more than one byte past the limit.
fn read_file(path: &Path, max_bytes: usize) -> Result<Vec<u8>, FrameError> {
    let read = || -> io::Result<(Vec<u8>, u64)> {
        let file = File::open(path)?;
        let declared = file.metadata()?.len();
        let mut jpeg = Vec::with_capacity(declared.min(max_bytes as u64) as usize);
        file.take(max_bytes as u64 + 1).read_to_end(&mut jpeg)?;
        Ok((jpeg, declared))
    };
    let (jpeg, declared) =
        read().map_err(|error| FrameError::new(FrameErrorCode::ReadFailed, error.to_string()))?;
    if jpeg.len() > max_bytes {
        // A pipe declares no length.
        let bytes = (declared as usize).max(jpeg.len());
        return Err(FrameError::too_large(bytes, max_bytes));
    }
    Ok(jpeg)
}

impl From<MjpegError> for FrameError {
    fn from(error: MjpegError) -> Self {
        let code = match error {
            MjpegError::TooLarge { bytes, limit } => return Self::too_large(bytes, limit),
            MjpegError::Truncated { .. } | MjpegError::Damaged { .. } => {
                FrameErrorCode::DecodeFailed
            }
            MjpegError::Read(_) => FrameErrorCode::ReadFailed,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::FramePayload;

    fn read(path: &Path, max_bytes: usize) -> Vec<SourceFrame> {
        frames(expand(&[path.to_owned()]), max_bytes, StopFlag::new()).collect()
    }

    #[test]
    fn a_stream_without_a_jpeg_is_a_frame_with_an_error() {
        for bytes in [&b""[..], b"<html>404</html>"] {
            let found: Vec<_> = stream(bytes, 100).collect();
            assert_eq!(codes(&found), [Some(FrameErrorCode::ReadFailed)]);
        }
        let found: Vec<_> = stream(&b"\xFF\xD8\xFF\xD9 \xFF\xD8\xFF\xD9"[..], 100).collect();
        assert_eq!(codes(&found), [None, None]);
    }

    #[test]
    fn nothing_is_read_after_a_stop() {
        let stop = StopFlag::new();
        let sources = expand(&["a.jpg".into(), "b.jpg".into(), "c.jpg".into()]);
        let mut frames = frames(sources, 100, stop.clone());
        assert!(frames.next().is_some());
        stop.set();
        assert!(frames.next().is_none());
    }

    fn codes(frames: &[SourceFrame]) -> Vec<Option<FrameErrorCode>> {
        frames.iter().map(|frame| frame.payload.as_ref().err().map(|error| error.code)).collect()
    }

    #[test]
    fn a_directory_yields_its_jpegs_by_name() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b.JPG", "a.jpeg", "c.png", "jpg", "d.jpg"] {
            fs::write(directory.path().join(name), name).unwrap();
        }
        fs::create_dir(directory.path().join("e.jpg")).unwrap();
        let found = read(directory.path(), 100);
        let contents: Vec<_> = found
            .iter()
            .map(|frame| frame.payload.clone().and_then(FramePayload::into_jpeg).unwrap())
            .collect();
        assert_eq!(contents, [b"a.jpeg".as_slice(), b"b.JPG", b"d.jpg"]);
        assert_eq!(found[1].tag, FrameOrigin::File(directory.path().join("b.JPG")));
    }

    #[test]
    fn an_unreadable_source_is_a_frame_with_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let found = read(directory.path(), 100);
        assert_eq!(codes(&found), [Some(FrameErrorCode::ReadFailed)]);
        let found = read(&directory.path().join("missing.jpg"), 100);
        assert_eq!(codes(&found), [Some(FrameErrorCode::ReadFailed)]);
    }

    #[test]
    fn a_file_may_be_as_large_as_the_limit_and_no_larger() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), [0; 100]).unwrap();
        assert_eq!(codes(&read(file.path(), 100)), [None]);
        let refused = read(file.path(), 99);
        assert_eq!(codes(&refused), [Some(FrameErrorCode::FrameTooLarge)]);
        let detail = refused[0].payload.as_ref().unwrap_err().to_string();
        assert_eq!(detail, "Frame size (100 bytes) exceeds limit (99 bytes)");
    }
}
