//! `POST /video/process`.

use std::time::Duration;

use framegate::protocol::{ErrorBody, HttpErrorCode, VideoLine, VideoResults};
use framegate_testkit::ReferenceBackend;
use serde_json::Value;

use super::gate::gated;
use super::{COLOURED, SMALL, damaged, indices};
use crate::support::server::{Setup, TestServer};

async fn server(change: impl FnOnce(&mut Setup)) -> TestServer {
    let mut setup = Setup::colours();
    change(&mut setup);
    TestServer::start(&ReferenceBackend, setup).await
}

async fn post(
    server: &TestServer,
    query: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> reqwest::Response {
    let url = server.url(&format!("/video/process?{query}"));
    let request =
        headers.iter().fold(reqwest::Client::new().post(url), |request, (name, value)| {
            request.header(*name, *value)
        });
    request.body(body).send().await.unwrap()
}

const MP4: (&str, &str) = ("content-type", "video/mp4");

async fn lines(response: reqwest::Response) -> Vec<Value> {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await.unwrap();
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_frame_gets_a_line_in_order() {
    let server = server(|_| ()).await;
    let lines = lines(post(&server, "", &[MP4], SMALL.to_vec()).await).await;
    assert_eq!(lines.len(), 14);
    let video = serde_json::json!({
        "width": 64, "height": 48, "frames": 12, "fps": 25.0, "codec": "h264", "duration_ms": 480.0
    });
    assert_eq!(lines[0]["video"], video);
    assert_eq!(indices(&lines), (0..12).collect::<Vec<_>>());
    for (index, line) in lines[1..13].iter().enumerate() {
        assert_eq!(line["time_ms"], index as f64 * 40.0);
        assert_eq!(line["result"]["width"], 64);
    }
    let done = &lines[13]["done"];
    assert_eq!(
        (&done["frames"], &done["results"], &done["failed"]),
        (&12.into(), &12.into(), &0.into())
    );
    for line in &lines {
        let read: VideoLine = serde_json::from_value(line.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), *line);
    }
    assert!((server.metric("framegate_frames_total{outcome=\"result\"}") - 12.0).abs() < 0.1);
    server.stop().await;
}

#[tokio::test]
async fn frames_have_the_colours_that_they_were_encoded_with() {
    let server = server(|setup| setup.engine.max_batch = 4).await;
    let lines = lines(post(&server, "", &[MP4], COLOURED.to_vec()).await).await;
    let label = |line: &Value| {
        let found = line["result"]["detections"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{line}");
        found[0]["label"].as_str().unwrap().to_owned()
    };
    let labels: Vec<String> = lines[1..10].iter().map(label).collect();
    let expected = [["red"; 3], ["green"; 3], ["blue"; 3]].concat();
    assert_eq!(labels, expected);
}

#[tokio::test]
async fn frames_are_chosen_by_stride_and_number() {
    let server = server(|setup| setup.engine.max_batch = 4).await;
    for (query, expected) in [
        ("frame_stride=5", &[0, 5, 10][..]),
        ("frame_stride=2&max_frames=3", &[0, 2, 4]),
        ("max_frames=1", &[0]),
    ] {
        let lines = lines(post(&server, query, &[MP4], SMALL.to_vec()).await).await;
        assert_eq!(indices(&lines), expected, "{query}");
        assert_eq!(lines.last().unwrap()["done"]["frames"], expected.len());
    }
}

#[tokio::test]
async fn a_form_and_one_piece_hold_the_same_results() {
    let server = server(|_| ()).await;
    let lines = lines(post(&server, "", &[MP4], SMALL.to_vec()).await).await;
    let form = [
        b"--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\n\r\n",
        SMALL,
        b"\r\n--xyz--\r\n",
    ]
    .concat();
    let headers =
        [("content-type", "multipart/form-data; boundary=xyz"), ("accept", "application/json")];
    let response = post(&server, "", &headers, form).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&body), ["results"]);
    let results = body["results"].as_array().unwrap();
    assert_eq!(results.len(), 12);
    for (entry, line) in results.iter().zip(&lines[1..]) {
        assert_eq!(keys(entry), ["frame_index", "result"]);
        assert_eq!(
            (&entry["frame_index"], &entry["result"]),
            (&line["frame_index"], &line["result"])
        );
    }
    serde_json::from_value::<VideoResults>(body).unwrap();
}

#[tokio::test]
async fn what_cannot_be_processed_is_refused_in_words() {
    let mut front = |setup: &mut Setup| {
        setup.front.video.max_bytes = 4096;
    };
    let server = server(&mut front).await;
    let long = vec![0; 4097];
    let html = ("content-type", "text/html");
    let cut = SMALL[..40].to_vec();
    for (query, header, body, status, code, detail) in [
        ("", MP4, cut, 400, HttpErrorCode::InvalidVideo, "Invalid MP4 file"),
        (
            "",
            MP4,
            b"GIF89a".to_vec(),
            400,
            HttpErrorCode::InvalidVideo,
            "Unable to read video file",
        ),
        ("", MP4, Vec::new(), 400, HttpErrorCode::InvalidVideo, "Unable to read video file"),
        ("frame_stride=0", MP4, SMALL.to_vec(), 400, HttpErrorCode::InvalidQuery, ""),
        ("max_frames=x", MP4, SMALL.to_vec(), 400, HttpErrorCode::InvalidQuery, ""),
        ("pipeline_id=no", MP4, SMALL.to_vec(), 404, HttpErrorCode::InvalidPipeline, "pipeline_id"),
        ("", MP4, long, 413, HttpErrorCode::VideoTooLarge, "4096"),
        ("", html, SMALL.to_vec(), 415, HttpErrorCode::UnsupportedMediaType, "video/mp4"),
    ] {
        let response = post(&server, query, &[header], body).await;
        assert_eq!(response.status(), status, "{query} {header:?}");
        let error: ErrorBody = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(error.error, code);
        assert!(error.detail.contains(detail), "{error:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_video_that_plays_too_long_is_refused() {
    let server = server(|setup| setup.front.video.max_duration = Duration::from_millis(479)).await;
    let response = post(&server, "", &[MP4], SMALL.to_vec()).await;
    assert_eq!(response.status(), 413);
    server.stop().await;
}

#[tokio::test]
async fn a_frame_that_fails_is_a_line() {
    let server = server(|_| ()).await;
    let lines = lines(post(&server, "", &[MP4], damaged()).await).await;
    let failed: Vec<&Value> = lines.iter().filter(|line| line["error"].is_string()).collect();
    assert_eq!(failed.len(), 1, "{lines:?}");
    assert_eq!(failed[0]["error"], "decode_failed");
    let done = &lines.last().unwrap()["done"];
    assert_eq!((&done["results"], &done["failed"]), (&11.into(), &1.into()));
}

#[tokio::test]
async fn one_video_is_processed_at_a_time_and_closing_the_connection_cancels_it() {
    let (backend, gate) = gated();
    let server = TestServer::start(&backend, Setup::colours()).await;
    let mut first = post(&server, "", &[MP4], SMALL.to_vec()).await;
    assert!(first.chunk().await.unwrap().unwrap().starts_with(b"{\"video\":"), "before any frame");
    let second = post(&server, "", &[MP4], SMALL.to_vec()).await;
    assert_eq!(second.status(), 503);
    assert!(second.headers().contains_key("retry-after"));
    assert!(second.text().await.unwrap().contains("VIDEO_MAX_CONCURRENT"));
    // The client has gone, which the server notices when it writes: half of the video is never run.
    drop(first);
    gate.allow(6);
    let third = loop {
        let response = post(&server, "max_frames=2", &[MP4], SMALL.to_vec()).await;
        if response.status() == 200 {
            break response;
        }
    };
    gate.allow(2);
    let lines = lines(third).await;
    assert_eq!(indices(&lines), [0, 1]);
    server.stop().await;
}

#[tokio::test]
async fn a_shutdown_ends_a_video_with_a_line_that_says_so() {
    let (backend, gate) = gated();
    let server = TestServer::start(&backend, Setup::colours()).await;
    let mut response = post(&server, "", &[MP4], SMALL.to_vec()).await;
    response.chunk().await.unwrap().unwrap();
    server.begin_shutdown();
    server.app.draining.cancelled().await;
    gate.allow(12);
    let mut text = String::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["error"], "draining", "{text}");
    server.stop().await;
}
