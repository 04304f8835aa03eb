//! What somebody at a terminal sees of a run.

use std::io::{IsTerminal, stderr, stdout};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use crate::backends::Selected;
use crate::commands::Outcome;
use crate::engine::FinishedFrame;
use crate::sources::Source;

/// Fewer files than this are done before a bar is read.
const FILES_FOR_A_BAR: usize = 8;

/// Counts frames, and shows a bar on a terminal where it helps.
pub(in crate::commands) struct Progress {
    started: Instant,
    bar: ProgressBar,
    frames: usize,
    failed: usize,
    not_annotated: usize,
}

impl Progress {
    /// Starts counting.
    ///
    /// There is a bar for many files, unless the lines that tell the same go to the terminal too. The
    /// length of a stream is not known.
    pub(in crate::commands) fn start(sources: &[Source]) -> Self {
        let of_files = !sources.iter().any(|source| matches!(source, Source::StandardInput));
        let seen = stderr().is_terminal() && !stdout().is_terminal();
        let bar = match seen && of_files && sources.len() >= FILES_FOR_A_BAR {
            true => ProgressBar::new(sources.len() as u64).with_style(style()),
            false => ProgressBar::hidden(),
        };
        Self { started: Instant::now(), bar, frames: 0, failed: 0, not_annotated: 0 }
    }

    /// Counts a frame that is done.
    pub(in crate::commands) fn count(&mut self, frame: &FinishedFrame) {
        self.frames += 1;
        self.failed += usize::from(frame.result.is_err());
        self.bar.inc(1);
    }

    /// Counts frames that were processed but could not be annotated.
    pub(in crate::commands) fn count_not_annotated(&mut self, frames: usize) {
        self.not_annotated += frames;
    }

    /// Sums up.
    pub(in crate::commands) fn end(self, chosen: &Selected) -> Outcome {
        let Self { started, bar, frames, failed, not_annotated } = self;
        bar.finish_and_clear();
        if stderr().is_terminal() {
            let seconds = started.elapsed().as_secs_f64();
            eprintln!(
                "{frames} frames in {seconds:.1} s, {:.1} frames/s, {failed} failed, on {} ({})",
                frames as f64 / seconds,
                chosen.backend.name(),
                chosen.device.name
            );
        }
        if not_annotated > 0 {
            tracing::error!("{not_annotated} images could not be annotated");
        }
        if failed + not_annotated == 0 { Outcome::Done } else { Outcome::SomeFramesFailed }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {pos}/{len} frames, {per_sec}, {eta} left")
        .expect("the template is valid")
}
