//! A job: its lines so far, and what they amount to.

use std::net::IpAddr;
use std::num::NonZero;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use super::result_memory::{HeldResults, ResultMemory};
use crate::protocol::{
    HttpErrorCode, JobReport, JobStatus, JobSummary, VideoDescription, VideoError,
    VideoFrameResult, VideoLine, VideoTotals, timestamp,
};
use crate::sources::FrameSelection;

/// The request that a job came with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::front) struct JobRequest {
    pub(in crate::front) pipeline_id: String,
    pub(in crate::front) frame_stride: NonZero<u64>,
    pub(in crate::front) max_frames: Option<u64>,
    /// Milliseconds since 1970, UTC.
    created_ms: u64,
}

/// Whose a job is: what an address has is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::front) enum Owner {
    /// The address that submitted it; of IPv6, the network.
    Address(IpAddr),
    /// None that is known: it is of an earlier process, which has not stored the address.
    Itself(Uuid),
}

/// A job. Its followers subscribe to its state.
pub(in crate::front) struct Job {
    pub(in crate::front) id: Uuid,
    pub(in crate::front) owner: Owner,
    pub(in crate::front) request: JobRequest,
    state: watch::Sender<JobState>,
    // Beside the state, which has a lock of its own: the list of jobs asks for these while it is locked.
    held: HeldResults,
    /// When its last line came.
    ended_at: OnceLock<SystemTime>,
}

/// All that is known of a job. It follows from its lines.
pub(in crate::front) struct JobState {
    status: JobStatus,
    lines: Vec<Bytes>,
    video: Option<VideoDescription>,
    totals: VideoTotals,
    /// The time in the video of the last frame, in milliseconds.
    reached_ms: f64,
    summary: JobSummary,
    failure: Option<VideoError>,
    updated_at: SystemTime,
}

impl JobRequest {
    pub(in crate::front) fn new(pipeline_id: &str, selection: FrameSelection) -> Self {
        let FrameSelection { stride: frame_stride, max_frames, .. } = selection;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let created_ms = now.as_millis() as u64;
        Self { pipeline_id: pipeline_id.to_owned(), frame_stride, max_frames, created_ms }
    }

    pub(in crate::front) fn selection(&self) -> FrameSelection {
        FrameSelection { stride: self.frame_stride, max_frames: self.max_frames, fps: None }
    }

    pub(in crate::front) fn created_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.created_ms)
    }
}

impl Job {
    /// A job with the lines that it has already; they changed last at `updated_at`.
    pub(in crate::front) fn new(
        id: Uuid,
        owner: Owner,
        request: JobRequest,
        lines: Vec<(VideoLine, Bytes)>,
        updated_at: SystemTime,
        memory: &Arc<ResultMemory>,
    ) -> Arc<Self> {
        let state = watch::Sender::new(JobState::new(updated_at));
        let (held, ended_at) = (HeldResults::of(memory), OnceLock::new());
        let job = Self { id, owner, request, state, held, ended_at };
        for (line, json) in lines {
            job.take(&line, json, updated_at);
        }
        Arc::new(job)
    }

    pub(in crate::front) fn subscribe(&self) -> watch::Receiver<JobState> {
        self.state.subscribe()
    }

    pub(in crate::front) fn is_over(&self) -> bool {
        self.ended_at.get().is_some()
    }

    /// When its last line came.
    pub(in crate::front) fn ended_at(&self) -> Option<SystemTime> {
        self.ended_at.get().copied()
    }

    pub(in crate::front) fn totals(&self) -> VideoTotals {
        self.state.borrow().totals
    }

    /// Bytes that its lines take.
    pub(in crate::front) fn held_bytes(&self) -> usize {
        self.held.bytes()
    }

    /// How long ago something last changed.
    pub(in crate::front) fn age(&self) -> Duration {
        self.state.borrow().updated_at.elapsed().unwrap_or_default()
    }

    /// Its turn has come.
    pub(in crate::front) fn begin(&self) {
        self.state.send_modify(|state| {
            state.status = JobStatus::Running;
            state.updated_at = SystemTime::now();
        });
    }

    /// One more line.
    pub(in crate::front) fn push(&self, line: &VideoLine, json: Bytes) {
        self.take(line, json, SystemTime::now());
    }

    fn take(&self, line: &VideoLine, json: Bytes, now: SystemTime) {
        self.held.add(json.len());
        self.state.send_modify(|state| {
            state.take(line, json);
            state.updated_at = now;
            if state.is_over() {
                let _ = self.ended_at.set(now);
            }
        });
    }

    /// The last line, for which there is always room.
    pub(in crate::front) fn push_last(&self, line: VideoLine) {
        let json = Bytes::from(line.to_json());
        self.push(&line, json);
        let JobReport { status, frames_processed, .. } = self.report();
        let status = status.name();
        tracing::info!(job = %self.id, status, frames = frames_processed, "video_job_ended");
    }

    pub(in crate::front) fn report(&self) -> JobReport {
        let state = self.state.borrow();
        let frames = state.frames(&self.request.selection());
        JobReport {
            job_id: self.id.to_string(),
            status: state.status,
            progress: state.progress(frames, self.request.selection().max_frames),
            created_at: timestamp(self.request.created_at()),
            updated_at: timestamp(state.updated_at),
            frames,
            frames_processed: state.totals.frames,
            summary: state.summary.clone(),
            failure: state.failure.clone(),
        }
    }
}

impl JobState {
    fn new(updated_at: SystemTime) -> Self {
        Self {
            status: JobStatus::Pending,
            lines: Vec::new(),
            video: None,
            totals: VideoTotals::default(),
            reached_ms: 0.0,
            summary: JobSummary::default(),
            failure: None,
            updated_at,
        }
    }

    /// The lines from this one on.
    pub(in crate::front) fn lines(&self, from: usize) -> &[Bytes] {
        self.lines.get(from..).unwrap_or_default()
    }

    pub(in crate::front) fn status(&self) -> JobStatus {
        self.status
    }

    pub(in crate::front) fn updated_at(&self) -> SystemTime {
        self.updated_at
    }

    /// Whether the last line is there.
    pub(in crate::front) fn is_over(&self) -> bool {
        matches!(self.status, JobStatus::Completed | JobStatus::Failed)
    }

    fn take(&mut self, line: &VideoLine, json: Bytes) {
        self.lines.push(json);
        match line {
            VideoLine::Video(header) => self.video = Some(header.video.clone()),
            VideoLine::Result(found) => {
                self.totals.frames += 1;
                self.totals.results += 1;
                self.reached_ms = found.time_ms;
                self.sum_up(found);
            }
            VideoLine::Failure(_) => {
                self.totals.frames += 1;
                self.totals.failed += 1;
            }
            VideoLine::Done(_) => self.status = JobStatus::Completed,
            VideoLine::Error(error) => {
                self.status = JobStatus::Failed;
                self.failure = Some(error.clone());
            }
        }
    }

    fn sum_up(&mut self, found: &VideoFrameResult) {
        for detection in &found.result.detections {
            self.summary.detections += 1;
            match self.summary.classes.get_mut(&*detection.label) {
                Some(count) => *count += 1,
                None => {
                    self.summary.classes.insert(detection.label.to_string(), 1);
                }
            }
        }
    }

    /// Frames there are to process, where the file says.
    fn frames(&self, selection: &FrameSelection) -> Option<u64> {
        if self.status == JobStatus::Completed {
            return Some(self.totals.frames);
        }
        let video = self.video.as_ref()?;
        video.frames.map(|frames| selection.count(frames, video.fps))
    }

    /// The part that is done, 0 to 1: of the frames where their number is known, or else of the time, or of the most
    /// frames that are wanted.
    fn progress(&self, frames: Option<u64>, most: Option<u64>) -> f64 {
        if self.status == JobStatus::Completed {
            return 1.0;
        }
        let of_frames = |all: u64| self.totals.frames as f64 / all.max(1) as f64;
        let part = frames.map_or_else(
            || {
                let duration = self.video.as_ref().and_then(|video| video.duration_ms);
                let duration = duration.filter(|duration| *duration > 0.0);
                let of_time = duration.map_or(0.0, |duration| self.reached_ms / duration);
                of_time.max(most.map_or(0.0, of_frames))
            },
            of_frames,
        );
        (part.min(1.0) * 1000.0).round() / 1000.0
    }
}

/// The line of a job that has failed.
pub(in crate::front) fn failed(error: HttpErrorCode, detail: impl Into<String>) -> VideoLine {
    VideoLine::Error(VideoError { error, detail: detail.into() })
}
