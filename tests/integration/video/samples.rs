//! The sample videos over HTTP: what `infer` finds in the same frames.

use std::fs;

use serde_json::Value;

use super::boxes;
use crate::support::program::{framegate, run};
use crate::support::serving::Server;
use crate::support::test_data;

/// Video, class, stride, and from which to which frame one is in full view.
const SAMPLES: [(&str, &str, u64, [u64; 2]); 2] = [
    ("one-by-one-person-detection", "person", 40, [240, 440]),
    ("bottle-detection", "bottle", 60, [0, 1140]),
];

#[tokio::test]
async fn a_person_and_a_bottle_are_found_as_infer_finds_them() {
    let Some(data) = test_data() else { return };
    let model = data.join("models/yolox_nano.onnx");
    let model = model.to_str().unwrap();
    let server = Server::start(&["--backend", "simd", "--pipeline", &format!("objects={model}")]);
    for (name, label, stride, [first, last]) in SAMPLES {
        let clip = data.join(format!("video/{name}.mp4"));
        let url = format!("http://{}/video/process?frame_stride={stride}", server.address);
        let request = reqwest::Client::new().post(url).header("content-type", "video/mp4");
        let response = request.body(fs::read(&clip).unwrap()).send().await.unwrap();
        let text = response.text().await.unwrap();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let found: Vec<&Value> = lines.iter().filter(|line| line["result"].is_object()).collect();
        let arguments = ["infer", "--backend", "simd", "--model", model, "--stride"];
        let stride = stride.to_string();
        let clip = clip.to_str().unwrap();
        let inferred = run(framegate(arguments).args([&stride, clip])).json_lines();
        assert!(found.len() > 5 && found.len() == inferred.len(), "{name}: {}", found.len());
        for (line, inferred) in found.into_iter().zip(&inferred) {
            for key in ["frame_index", "time_ms"] {
                assert_eq!(line[key], inferred[key], "{name}");
            }
            assert_eq!(line["result"]["detections"], inferred["detections"], "{name}");
            let index = line["frame_index"].as_u64().unwrap();
            let best = boxes(&line["result"], label).first().map_or(0.0, |(_, score)| *score);
            println!("{name} {index}: {best}");
            assert!(best > 0.5 || !(first..=last).contains(&index), "{name} {index}: {best}");
        }
    }
}
