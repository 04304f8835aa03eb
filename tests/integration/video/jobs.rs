//! Video jobs: `/video/submit`, `/video/status`, `/video/results`, `/video/jobs`.

use std::process::Command;
use std::time::Duration;

use framegate::protocol::{
    ErrorBody, HttpErrorCode, JobAccepted, JobList, JobReport, JobResults, JobStatus,
};
use framegate_testkit::ReferenceBackend;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;

use super::gate::gated;
use super::{COLOURED, SMALL, damaged, has_ffmpeg, indices};
use crate::support::server::{Setup, TestServer};
use crate::support::serving::Server;

/// A server to submit to.
struct Jobs {
    url: String,
    client: Client,
}

impl Jobs {
    fn at(url: String) -> Self {
        // When the clock is put forward, connections that are idle end.
        Self { url, client: Client::builder().pool_max_idle_per_host(0).build().unwrap() }
    }

    fn of(server: &TestServer) -> Self {
        Self::at(server.url(""))
    }

    async fn post(&self, query: &str, file: &[u8]) -> Response {
        let request = self.client.post(format!("{}/video/submit?{query}", self.url));
        request.header("content-type", "video/mp4").body(file.to_vec()).send().await.unwrap()
    }

    /// Submits a video; returns the job's name.
    async fn submit(&self, query: &str, file: &[u8]) -> String {
        let response = self.post(query, file).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        let accepted: JobAccepted = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(location, format!("/video/status/{}", accepted.job_id));
        accepted.job_id
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let response = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    async fn report(&self, id: &str) -> JobReport {
        let (status, text) = self.get(&format!("/video/status/{id}")).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn follow(&self, id: &str, from: usize) -> Response {
        let request = self.client.get(format!("{}/video/results/{id}?from={from}", self.url));
        let response = request.header("accept", "application/x-ndjson").send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        response
    }

    /// Submits a job, and waits until it has the turn: the next one that is submitted has to wait.
    async fn begin(&self) -> String {
        let id = self.submit("", SMALL).await;
        while self.report(&id).await.status == JobStatus::Pending {}
        id
    }

    /// The lines of a job from one on, to the end.
    async fn lines(&self, id: &str, from: usize) -> Vec<Value> {
        read(self.follow(id, from).await).await
    }

    async fn delete(&self, id: &str) -> StatusCode {
        let request = self.client.delete(format!("{}/video/{id}", self.url));
        request.send().await.unwrap().status()
    }

    /// Waits until a job is known to have processed this many frames.
    async fn processed(&self, id: &str, frames: u64) -> JobReport {
        loop {
            let report = self.report(id).await;
            if report.frames_processed >= frames {
                return report;
            }
        }
    }
}

async fn read(response: Response) -> Vec<Value> {
    let text = response.text().await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn refusal(text: &str) -> (HttpErrorCode, String) {
    let ErrorBody { error, detail } = serde_json::from_str(text).unwrap();
    (error, detail)
}

#[tokio::test]
async fn a_job_is_processed_and_summed_up() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let jobs = Jobs::of(&server);
    let id = jobs.submit("", COLOURED).await;
    let lines = jobs.lines(&id, 0).await;
    assert_eq!(indices(&lines), (0..9).collect::<Vec<_>>());
    assert_eq!(
        (&lines[0]["video"]["frames"], &lines[10]["done"]["results"]),
        (&9.into(), &9.into())
    );
    let report = jobs.report(&id).await;
    assert_eq!(
        (report.status, report.frames, report.frames_processed),
        (JobStatus::Completed, Some(9), 9)
    );
    assert!((report.progress - 1.0).abs() < 1e-9);
    assert_eq!(report.summary.detections, 9);
    let expected = ["red", "green", "blue"].map(|label| (label.to_owned(), 3));
    assert_eq!(report.summary.classes, expected.into());
    assert!(report.created_at.starts_with("20") && report.created_at <= report.updated_at);

    let (status, text) = jobs.get(&format!("/video/results/{id}")).await;
    assert_eq!(status, 200);
    let value: Value = serde_json::from_str(&text).unwrap();
    let results: JobResults = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(&results).unwrap(), value, "no other key");
    assert_eq!(results.job_id, id);
    for (entry, line) in value["results"].as_array().unwrap().iter().zip(&lines[1..]) {
        assert_eq!(
            (&entry["frame_index"], &entry["result"]),
            (&line["frame_index"], &line["result"])
        );
    }
    assert_eq!(results.results.len(), 9);
    server.stop().await;
}

#[tokio::test]
async fn frames_are_chosen_and_those_that_fail_are_lines() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let jobs = Jobs::of(&server);
    let id = jobs.submit("frame_stride=5&max_frames=2", SMALL).await;
    assert_eq!(indices(&jobs.lines(&id, 0).await), [0, 5]);
    assert_eq!(jobs.report(&id).await.frames, Some(2));
    let id = jobs.submit("", &damaged()).await;
    let lines = jobs.lines(&id, 0).await;
    assert_eq!(lines.iter().filter(|line| line["error"] == "decode_failed").count(), 1);
    let (_, text) = jobs.get(&format!("/video/results/{id}")).await;
    let results: JobResults = serde_json::from_str(&text).unwrap();
    assert_eq!(results.results.len(), 11, "only those with a result");
    server.stop().await;
}

#[tokio::test]
async fn a_job_is_followed_while_it_runs_and_its_progress_is_real() {
    let (backend, gate) = gated();
    let server = TestServer::start(&backend, Setup::colours()).await;
    let jobs = Jobs::of(&server);
    let id = jobs.begin().await;
    let waiting = jobs.submit("", SMALL).await;
    let mut following = jobs.follow(&id, 1).await;
    gate.allow(3);
    let report = jobs.processed(&id, 3).await;
    assert_eq!((report.status, report.frames), (JobStatus::Running, Some(12)));
    assert!((report.progress - 0.25).abs() < 1e-9, "{report:?}");
    let mut text = Vec::new();
    while text.iter().filter(|byte| **byte == b'\n').count() < 3 {
        text.extend_from_slice(&following.chunk().await.unwrap().unwrap());
    }
    assert!(text.starts_with(b"{\"frame_index\":0,"), "the first line is left out");
    // One is processed at a time, and nothing is there in one piece before the end.
    assert_eq!(jobs.report(&waiting).await.status, JobStatus::Pending);
    let (status, text) = jobs.get(&format!("/video/results/{id}")).await;
    let expected = (HttpErrorCode::JobNotCompleted, "Job not completed".to_owned());
    assert_eq!((status, refusal(&text)), (StatusCode::NOT_FOUND, expected));
    gate.allow(21);
    let rest = read(following).await;
    assert_eq!(rest.last().unwrap()["done"]["frames"], 12);
    assert_eq!(indices(&rest), (3..12).collect::<Vec<_>>());
    assert_eq!(jobs.lines(&id, 13).await.len(), 1, "the last line alone");
    assert_eq!(indices(&jobs.lines(&waiting, 0).await).len(), 12);
    server.stop().await;
}

#[tokio::test]
async fn a_job_that_is_deleted_ends_and_is_forgotten() {
    let (backend, gate) = gated();
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup { jobs: Some(folder.path().to_owned()), ..Setup::colours() };
    let server = TestServer::start(&backend, setup).await;
    let jobs = Jobs::of(&server);
    let first = jobs.begin().await;
    let second = jobs.submit("", SMALL).await;
    gate.allow(1);
    jobs.processed(&first, 1).await;
    let (_, text) = jobs.get("/video/jobs").await;
    let list: JobList = serde_json::from_str(&text).unwrap();
    let names: Vec<&str> = list.jobs.iter().map(|job| job.job_id.as_str()).collect();
    assert_eq!(names, [&second, &first], "the newest first");
    let following = jobs.follow(&first, 0).await;
    assert_eq!(jobs.delete(&first).await, StatusCode::NO_CONTENT);
    assert!(!folder.path().join(&first).exists() && folder.path().join(&second).exists());
    gate.allow(24);
    assert!(read(following).await.iter().all(|line| line["done"].is_null()));
    // The other has the turn now.
    assert_eq!(indices(&jobs.lines(&second, 0).await).len(), 12);
    for unknown in [first.as_str(), "nonsense", "00000000-0000-0000-0000-000000000000"] {
        assert_eq!(jobs.delete(unknown).await, StatusCode::NOT_FOUND);
        let (status, text) = jobs.get(&format!("/video/status/{unknown}")).await;
        assert_eq!((status, refusal(&text).0), (StatusCode::NOT_FOUND, HttpErrorCode::JobNotFound));
        assert_eq!(jobs.get(&format!("/video/results/{unknown}")).await.0, StatusCode::NOT_FOUND);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_processed_is_not_taken() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let jobs = Jobs::of(&server);
    for (query, file, status) in [
        ("", &SMALL[..40], 400),
        ("", b"GIF89a", 400),
        ("max_frames=0", SMALL, 400),
        ("pipeline_id=no", SMALL, 404),
    ] {
        assert_eq!(jobs.post(query, file).await.status(), status);
    }
    let (_, text) = jobs.get("/video/jobs").await;
    assert_eq!(text, r#"{"jobs":[]}"#);
    let page =
        jobs.client.get(server.url("/video/jobs")).header("origin", "https://elsewhere.example");
    let page = page.header("user-agent", "Mozilla/5.0").send().await.unwrap();
    assert_eq!(page.status(), 403);
    server.stop().await;
}

#[tokio::test]
async fn jobs_and_their_uploads_and_results_are_bounded() {
    let (backend, gate) = gated();
    let mut setup = Setup::colours();
    setup.front.video.max_jobs = 3;
    setup.front.video.max_kept_bytes = SMALL.len() * 5 / 2;
    let server = TestServer::start(&backend, setup).await;
    let jobs = Jobs::of(&server);
    let first = jobs.begin().await;
    let second = jobs.submit("", SMALL).await;
    // There is no room in memory for a third file.
    let refused = jobs.post("", SMALL).await;
    assert_eq!(
        (refused.status(), refused.headers().contains_key("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, true)
    );
    gate.allow(24);
    jobs.lines(&first, 0).await;
    jobs.lines(&second, 0).await;
    // Files of jobs that have ended are not kept, and the job that ended first makes room for the fourth.
    let third = jobs.submit("", SMALL).await;
    let fourth = jobs.submit("", SMALL).await;
    let (_, text) = jobs.get("/video/jobs").await;
    let list: JobList = serde_json::from_str(&text).unwrap();
    let names: Vec<&str> = list.jobs.iter().map(|job| job.job_id.as_str()).collect();
    assert_eq!(names, [&fourth, &third, &second]);
    server.begin_shutdown();
    gate.allow(24);
    server.stop().await;
}

#[tokio::test]
async fn results_that_take_too_much_memory_fail_their_job() {
    let mut setup = Setup::colours();
    setup.front.video.max_result_bytes = 1600;
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let jobs = Jobs::of(&server);
    let small = jobs.submit("max_frames=2", SMALL).await;
    assert_eq!(jobs.lines(&small, 0).await.len(), 4);
    let large = jobs.submit("", SMALL).await;
    let lines = jobs.lines(&large, 0).await;
    assert_eq!(lines.last().unwrap()["error"], "too_many_results", "{lines:?}");
    let report = jobs.report(&large).await;
    assert_eq!(report.status, JobStatus::Failed);
    let failure = report.failure.unwrap();
    assert_eq!(failure.error, HttpErrorCode::TooManyResults);
    assert!(failure.detail.contains("VIDEO_MAX_RESULTS_MB"), "{failure:?}");
    let (status, text) = jobs.get(&format!("/video/results/{large}")).await;
    assert_eq!(status, 404);
    assert!(refusal(&text).1.contains("Job not completed"), "{text}");
    // What had ended before made room first.
    assert_eq!(jobs.get(&format!("/video/status/{small}")).await.0, StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test]
async fn a_job_is_forgotten_some_time_after_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = Setup { jobs: Some(folder.path().to_owned()), ..Setup::colours() };
    setup.front.video.jobs_ttl = Duration::from_secs(3600);
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let jobs = Jobs::of(&server);
    let id = jobs.submit("max_frames=1", SMALL).await;
    jobs.lines(&id, 0).await;
    assert!(folder.path().join(&id).exists());
    assert!(!folder.path().join(&id).join("upload").exists(), "it is of no more use");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3590)).await;
    tokio::time::resume();
    assert_eq!(jobs.report(&id).await.status, JobStatus::Completed);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    while jobs.get(&format!("/video/status/{id}")).await.0 != StatusCode::NOT_FOUND {}
    while folder.path().join(&id).exists() {
        tokio::task::yield_now().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_job_goes_on_in_the_next_server_after_its_last_whole_line() {
    let folder = tempfile::tempdir().unwrap();
    let setup = || Setup { jobs: Some(folder.path().to_owned()), ..Setup::colours() };
    let (backend, gate) = gated();
    let server = TestServer::start(&backend, setup()).await;
    let jobs = Jobs::of(&server);
    let id = jobs.begin().await;
    let waiting = jobs.submit("max_frames=2", SMALL).await;
    gate.allow(5);
    jobs.processed(&id, 5).await;
    let mut following = jobs.follow(&id, 6).await;
    server.begin_shutdown();
    server.app.draining.cancelled().await;
    gate.allow(20);
    let last = following.chunk().await.unwrap().unwrap();
    assert!(std::str::from_utf8(&last).unwrap().contains("draining"), "{last:?}");
    server.stop().await;

    // A line of which only a part had been written.
    let path = folder.path().join(&id).join("lines.ndjson");
    let whole = std::fs::read(&path).unwrap();
    let kept = whole.len() - 10;
    std::fs::write(&path, &whole[..kept]).unwrap();
    let server = TestServer::start(&ReferenceBackend, setup()).await;
    let jobs = Jobs::of(&server);
    let lines = jobs.lines(&id, 0).await;
    assert_eq!(indices(&lines), (0..12).collect::<Vec<_>>(), "nothing lost, nothing twice");
    assert_eq!(lines.last().unwrap()["done"]["frames"], 12);
    let report = jobs.report(&id).await;
    assert_eq!((report.status, report.frames_processed), (JobStatus::Completed, 12));
    assert_eq!(indices(&jobs.lines(&waiting, 0).await), [0, 1]);
    server.stop().await;

    // What is completed is there after another restart, and not processed again.
    let (backend, _gate) = gated();
    let server = TestServer::start(&backend, setup()).await;
    assert_eq!(Jobs::of(&server).lines(&id, 0).await, lines);
    server.stop().await;
}

#[tokio::test]
async fn a_video_of_unknown_frames_makes_progress_by_its_time() {
    if !has_ffmpeg() {
        return;
    }
    // As a browser records it: in the header there is neither a length nor a number of frames.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("live.webm");
    let encoded = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=red:size=64x48:rate=10"])
        .args(["-frames:v", "10", "-c:v", "libvpx", "-live", "1"])
        .arg(&file)
        .status();
    assert!(encoded.unwrap().success());
    let (backend, gate) = gated();
    let server = TestServer::start(&backend, Setup::colours()).await;
    let jobs = Jobs::of(&server);
    let id = jobs.submit("", &std::fs::read(&file).unwrap()).await;
    gate.allow(6);
    let report = jobs.processed(&id, 6).await;
    // The sixth is shown after half of the second.
    assert!((report.progress - 0.5).abs() < 0.011, "{report:?}");
    gate.allow(4);
    let lines = jobs.lines(&id, 0).await;
    assert_eq!(
        (&lines[0]["video"]["codec"], &lines[0]["video"]["duration_ms"]),
        (&"vp8".into(), &1000.0.into())
    );
    assert_eq!(lines[10]["time_ms"], 900.0);
    server.stop().await;
}

#[tokio::test]
async fn a_job_survives_the_death_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let arguments = ["--backend", "null:latency_ms=30", "--batch", "1", "--jobs-dir", path];
    let server = Server::start(&arguments);
    let jobs = Jobs::at(format!("http://{}", server.address));
    let id = jobs.submit("", SMALL).await;
    jobs.processed(&id, 3).await;
    server.kill();
    let server = Server::start(&arguments);
    let jobs = Jobs::at(format!("http://{}", server.address));
    let lines = jobs.lines(&id, 0).await;
    assert_eq!(indices(&lines), (0..12).collect::<Vec<_>>(), "nothing lost, nothing twice");
    assert_eq!(lines[13]["done"]["results"], 12);
}
