//! Messages about video jobs: the answers of `/video/submit`, `/video/status` and what belongs to them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{JobStatus, VideoError, VideoResultEntry};

/// The answer to `POST /video/submit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobAccepted {
    /// The job's name.
    #[schema(format = "uuid")]
    pub job_id: String,
}

/// The state of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobReport {
    /// The job's name.
    #[schema(format = "uuid")]
    pub job_id: String,
    /// The state in a word.
    pub status: JobStatus,
    /// The part of the work that is done, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    pub progress: f64,
    /// When the video was submitted: RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// When something last changed: RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub updated_at: String,
    /// How many frames there are to process, where the file says.
    pub frames: Option<u64>,
    /// How many have been processed.
    pub frames_processed: u64,
    /// The detections in these.
    pub summary: JobSummary,
    /// Why the job failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failure: Option<VideoError>,
}

/// The detections in the frames of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobSummary {
    /// Detections in all frames.
    pub detections: u64,
    /// The same by label.
    pub classes: BTreeMap<String, u64>,
}

/// The answer to `GET /video/jobs`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobList {
    /// The jobs that the server knows, the newest first.
    pub jobs: Vec<JobReport>,
}

/// The answer to `GET /video/results/{job_id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobResults {
    /// The job's name.
    #[schema(format = "uuid")]
    pub job_id: String,
    /// Every frame with a result, in order.
    pub results: Vec<VideoResultEntry>,
    /// When the video was submitted: RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// When the last result was there: RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub updated_at: String,
}

/// Query parameters of `GET /video/results/{job_id}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ResultsQuery {
    /// Of the lines of an NDJSON answer, leave out the first N: a client that was cut off asks for the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_written_and_read_as_the_protocol_says() {
        let report = JobReport {
            job_id: "6d4c".to_owned(),
            status: JobStatus::Running,
            progress: 0.5,
            created_at: "2026-11-27T11:34:38.012Z".to_owned(),
            updated_at: "2026-11-27T11:34:39.000Z".to_owned(),
            frames: Some(10),
            frames_processed: 5,
            summary: JobSummary { detections: 3, classes: [("person".to_owned(), 3)].into() },
            failure: None,
        };
        let json = r#"{"job_id":"6d4c","status":"running","progress":0.5,"created_at":"2026-11-27T11:34:38.012Z","updated_at":"2026-11-27T11:34:39.000Z","frames":10,"frames_processed":5,"summary":{"detections":3,"classes":{"person":3}}}"#;
        assert_eq!(serde_json::to_string(&report).unwrap(), json);
        assert_eq!(serde_json::from_str::<JobReport>(json).unwrap(), report);
    }
}
