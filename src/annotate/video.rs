//! The annotated video of a run, which ffmpeg encodes.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::directory::is_same_file;
use crate::stages::RgbImage;

/// Why an annotated video cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum AnnotationVideoError {
    /// There is no ffmpeg.
    #[error(
        "annotated videos are written by ffmpeg, which is not installed: install it, or name a directory for images"
    )]
    NoFfmpeg,
    /// It would replace the video that it is made from.
    #[error("annotating would overwrite the input {0}; choose another name")]
    OverwritesInput(PathBuf),
    /// There is not exactly one video to annotate.
    #[error(
        "an annotated video is made of one video: {0} inputs were given; name a directory instead"
    )]
    NotOneVideo(usize),
    /// ffmpeg ended with a complaint.
    #[error("ffmpeg cannot write {path}: {problem}")]
    Write {
        /// The video.
        path: PathBuf,
        /// Its complaint.
        problem: String,
    },
}

/// Encodes images into a video as they come.
pub struct AnnotationVideo {
    path: PathBuf,
    fps: f64,
    encoder: Option<Child>,
    /// Stands in for frames that are lost, so that the others keep their time.
    last: Option<RgbImage>,
}

impl AnnotationVideo {
    /// Whether a name is that of a video rather than of a directory.
    pub fn is_video(path: &Path) -> bool {
        let names = ["mp4", "mkv", "mov", "webm", "m4v", "avi"];
        let is = |found: &OsStr| names.iter().any(|known| found.eq_ignore_ascii_case(known));
        path.extension().is_some_and(is) && !path.is_dir()
    }

    /// A video at this frame rate. Nothing is written before its first frame.
    ///
    /// # Errors
    /// [`AnnotationVideoError::NoFfmpeg`], [`AnnotationVideoError::OverwritesInput`].
    pub fn create(path: &Path, input: &Path, fps: f64) -> Result<Self, AnnotationVideoError> {
        if is_same_file(path, input) {
            return Err(AnnotationVideoError::OverwritesInput(input.to_owned()));
        }
        let version = Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).status();
        if version.is_err() {
            return Err(AnnotationVideoError::NoFfmpeg);
        }
        Ok(Self { path: path.to_owned(), fps, encoder: None, last: None })
    }

    /// Appends an upright image; without one, the last once more.
    ///
    /// # Errors
    /// [`AnnotationVideoError::Write`] when ffmpeg has ended.
    pub fn append(&mut self, image: Option<RgbImage>) -> Result<(), AnnotationVideoError> {
        if let Some(image) = image {
            // All frames of a video have the size of the first.
            let fits = |last: &RgbImage| (last.width, last.height) == (image.width, image.height);
            if self.last.as_ref().is_none_or(fits) {
                self.last = Some(image);
            }
        }
        let Some(image) = &self.last else { return Ok(()) };
        if self.encoder.is_none() {
            self.encoder = Some(start(&self.path, image, self.fps).map_err(|error| {
                let problem = error.to_string();
                AnnotationVideoError::Write { path: self.path.clone(), problem }
            })?);
        }
        let pipe = self.encoder.as_mut().and_then(|encoder| encoder.stdin.as_mut());
        match pipe.map(|pipe| pipe.write_all(&image.pixels)) {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => self.finish(),
        }
    }

    /// Completes the file.
    ///
    /// # Errors
    /// [`AnnotationVideoError::Write`].
    pub fn finish(&mut self) -> Result<(), AnnotationVideoError> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(()) };
        drop(encoder.stdin.take());
        let mut problem = String::new();
        if let Some(errors) = encoder.stderr.take() {
            let _ = errors.take(2048).read_to_string(&mut problem);
        }
        match encoder.wait() {
            Ok(status) if status.success() => Ok(()),
            _ => {
                let problem = problem.lines().next().unwrap_or("it said nothing").to_owned();
                Err(AnnotationVideoError::Write { path: self.path.clone(), problem })
            }
        }
    }
}

impl Drop for AnnotationVideo {
    fn drop(&mut self) {
        if let Some(mut encoder) = self.encoder.take() {
            drop(encoder.stdin.take());
            let _ = encoder.wait();
        }
    }
}

fn start(path: &Path, image: &RgbImage, fps: f64) -> io::Result<Child> {
    let size = format!("{}x{}", image.width, image.height);
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"]);
    command.args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", &size]);
    command.args(["-r", &format!("{fps:.6}"), "-i", "pipe:0"]);
    // Encoders want whole blocks of chroma.
    command.args(["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p"]);
    command
        .arg([OsStr::new("file:"), path.as_os_str()].into_iter().collect::<std::ffi::OsString>());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
}
