//! Counts of a run, and what a terminal shows of it.

use std::io::{IsTerminal, stderr, stdout};
use std::time::Instant;

use indicatif::ProgressBar;

use crate::commands::CommandStatus;
use crate::commands::progress::frames_bar;
use crate::engine::FinishedFrame;
use crate::pipeline::Pipeline;
use crate::sources::Source;
use crate::stop::StopFlag;

/// Fewer frames than this are done before anyone has read a bar.
const FRAMES_FOR_A_BAR: u64 = 8;

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
    /// Shows a bar for many frames, unless the results themselves go to the terminal. The length of a
    /// stream is unknown.
    pub(in crate::commands) fn start(sources: &[Source]) -> Self {
        let frames: Option<u64> = sources.iter().map(Source::frames).sum();
        let is_long = frames.is_some_and(|frames| frames >= FRAMES_FOR_A_BAR);
        let bar = frames_bar(frames.unwrap_or(0), is_long && !stdout().is_terminal());
        Self { started: Instant::now(), bar, frames: 0, failed: 0, not_annotated: 0 }
    }

    /// Counts a finished frame.
    pub(in crate::commands) fn count(&mut self, frame: &FinishedFrame) {
        self.frames += 1;
        self.failed += usize::from(frame.result.is_err());
        self.bar.inc(1);
    }

    /// Counts a frame that was processed, and whose result cannot be used, as failed.
    pub(in crate::commands) fn count_unusable(&mut self) {
        self.failed += 1;
    }

    /// Counts frames that were processed but could not be annotated.
    pub(in crate::commands) fn count_not_annotated(&mut self, frames: usize) {
        self.not_annotated += frames;
    }

    /// Prints the totals to a terminal and returns the status of the run, which ended early if `stop` is
    /// set.
    pub(in crate::commands) fn end(self, pipeline: &Pipeline, stop: &StopFlag) -> CommandStatus {
        let Self { started, bar, frames, failed, not_annotated } = self;
        bar.finish_and_clear();
        if stderr().is_terminal() {
            let seconds = started.elapsed().as_secs_f64();
            eprintln!(
                "{frames} frames in {seconds:.1} s, {:.1} frames/s, {failed} failed, on {} ({})",
                frames as f64 / seconds,
                pipeline.backend(),
                pipeline.device().name
            );
        }
        if not_annotated > 0 {
            tracing::error!("{not_annotated} images could not be annotated");
        }
        if stop.is_set() {
            // Not a line of the log: results may have no place for it, and a level may hide those.
            eprintln!(
                "ended early: the results are those of a part of the images ({frames} frames)"
            );
            return CommandStatus::Interrupted;
        }
        match failed + not_annotated {
            0 => CommandStatus::Done,
            _ => CommandStatus::SomeFramesFailed,
        }
    }
}
