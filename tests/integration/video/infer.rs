//! `framegate infer` on videos.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{SMALL, boxes, damaged, has_ffmpeg, indices};
use crate::support::jpeg::decode;
use crate::support::program::{Ended, framegate, run};
use crate::support::test_data;

fn infer(arguments: &[&str]) -> Ended {
    run(framegate(["infer", "--backend", "simd"]).args(arguments))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is UTF-8")
}

#[test]
fn every_frame_gets_a_line_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    fs::write(&clip, SMALL).unwrap();
    let ended = infer(&[text(&clip)]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let lines = ended.json_lines();
    assert_eq!(indices(&lines), (0..12).collect::<Vec<_>>());
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line["file"], text(&clip));
        assert_eq!(line["time_ms"], index as f64 * 40.0);
        assert_eq!((&line["width"], &line["height"]), (&64.into(), &48.into()));
        assert!(line["timings_ms"]["decode"].as_f64().unwrap() > 0.0, "{line}");
    }
}

#[test]
fn frames_are_chosen_by_number_and_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.MP4");
    fs::write(&clip, SMALL).unwrap();
    for (arguments, expected) in [
        (&["--stride", "5"][..], &[0, 5, 10][..]),
        (&["--max-frames", "2"], &[0, 1]),
        (&["--fps", "10"], &[0, 3, 5, 8, 10]),
        (&["--fps", "10", "--stride", "2", "--max-frames", "3"], &[0, 4, 6]),
    ] {
        let ended = infer(&[arguments, &[text(&clip)]].concat());
        assert_eq!(indices(&ended.json_lines()), expected, "{arguments:?}: {}", ended.stderr);
    }
    for wrong in [["--stride", "0"], ["--max-frames", "0"], ["--fps", "0"], ["--fps", "nan"]] {
        infer(&[&wrong[..], &[text(&clip)]].concat()).assert_refused(2, &[wrong[0]]);
    }
}

#[test]
fn a_damaged_frame_or_file_costs_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        text(&path).to_owned()
    };
    let inputs = [
        file("damaged.mp4", &damaged()),
        file("cut.mp4", &SMALL[..SMALL.len() / 2]),
        file("page.mp4", b"<html>404</html>"),
        text(&folder.path().join("missing.mp4")).to_owned(),
        file("good.mp4", SMALL),
    ];
    let ended = infer(&inputs.each_ref().map(String::as_str));
    assert_eq!(ended.status, 1, "{}", ended.stderr);
    let lines = ended.json_lines();
    let of = |name: &str| -> Vec<&Value> {
        lines.iter().filter(|line| line["file"].as_str().unwrap().ends_with(name)).collect()
    };
    let failed: Vec<&Value> =
        of("damaged.mp4").into_iter().filter(|line| line["error"].is_string()).collect();
    assert_eq!((of("damaged.mp4").len(), failed.len()), (12, 1));
    assert_eq!(failed[0]["error"], "decode_failed");
    assert!(failed[0]["time_ms"].is_number(), "{}", failed[0]);
    assert_eq!(of("page.mp4")[0]["error"], "read_failed");
    assert_eq!(of("missing.mp4")[0]["error"], "read_failed");
    assert!(!of("cut.mp4").is_empty());
    assert_eq!(of("good.mp4").len(), 12);
}

#[test]
fn annotated_frames_go_into_a_directory_or_a_video() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    fs::write(&clip, SMALL).unwrap();
    let marked = folder.path().join("marked");
    let ended = infer(&["--stride", "6", "--annotate", text(&marked), text(&clip)]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    for name in ["clip.mp4-000000.jpg", "clip.mp4-000006.jpg"] {
        let image = decode(&fs::read(marked.join(name)).unwrap()).unwrap();
        assert_eq!((image.width, image.height), (64, 48));
    }
    infer(&["--annotate", text(&clip), text(&clip)]).assert_refused(2, &["overwrite"]);
    if !has_ffmpeg() {
        return;
    }
    let video = folder.path().join("marked.mp4");
    let ended = infer(&["--stride", "2", "--annotate", text(&video), text(&clip)]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let again = infer(&[text(&video)]).json_lines();
    assert_eq!(indices(&again), (0..6).collect::<Vec<_>>());
    assert_eq!(again[1]["time_ms"], 80.0);
    let two = infer(&["--annotate", text(&video), text(&clip), text(&clip)]);
    two.assert_refused(2, &["one video"]);
}

fn overlap(a: [f64; 4], b: [f64; 4]) -> f64 {
    let side = |low: usize, high: usize| (a[high].min(b[high]) - a[low].max(b[low])).max(0.0);
    let area = |of: [f64; 4]| (of[2] - of[0]) * (of[3] - of[1]);
    let common = side(0, 2) * side(1, 3);
    common / (area(a) + area(b) - common)
}

#[test]
fn people_and_bottles_are_found_in_the_frames_that_they_are_in() {
    let Some(data) = test_data() else { return };
    if !has_ffmpeg() {
        return;
    }
    let model = data.join("models/yolox_nano.onnx");
    let folder = tempfile::tempdir().unwrap();
    for (name, label, stride) in
        [("one-by-one-person-detection", "person", 40), ("bottle-detection", "bottle", 60)]
    {
        let clip = data.join(format!("video/{name}.mp4"));
        let jpegs = folder.path().join(label);
        fs::create_dir(&jpegs).unwrap();
        let select = format!("select=not(mod(n\\,{stride}))");
        let pattern = jpegs.join("%04d.jpg");
        let extracted = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-i", text(&clip), "-vf", &select])
            .args(["-fps_mode", "passthrough", "-q:v", "1", text(&pattern)])
            .status();
        assert!(extracted.unwrap().success());
        let stride_text = stride.to_string();
        let from_video = infer(&["--model", text(&model), "--stride", &stride_text, text(&clip)]);
        let from_jpegs = infer(&["--model", text(&model), text(&jpegs)]);
        let (video, jpegs) = (from_video.json_lines(), from_jpegs.json_lines());
        assert_eq!(video.len(), jpegs.len(), "{}", from_video.stderr);
        let mut found = 0;
        for (video, jpeg) in video.iter().zip(&jpegs) {
            // What is certain in one is there in the other, and in the same place.
            for (sure, other) in [(video, jpeg), (jpeg, video)] {
                let sure = boxes(sure, label).into_iter().find(|(_, score)| *score > 0.5);
                let Some((place, score)) = sure else { continue };
                let others = boxes(other, label).into_iter();
                let nearest = others.map(|(other, _)| overlap(place, other)).fold(0.0, f64::max);
                let frame = &video["frame_index"];
                assert!(nearest > 0.7, "{name} {frame}: {label} {score}, overlap {nearest}");
                found += 1;
            }
        }
        assert!(found >= 4, "{name}: {label} in {found} frames");
    }
}
