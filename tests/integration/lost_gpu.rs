//! A server whose GPU is destroyed: first it gets a new device of the same GPU, then it goes on elsewhere.

use std::env;
use std::process::Command;
use std::time::Instant;

use framegate_backend_burn::{WgpuOptions, destroy_devices, wgpu};
use framegate_testkit::ReferenceBackend;
use serde_json::json;

use crate::failover::serve;
use crate::support::backends::usable;
use crate::support::colours::{COLOURS, image};

/// The devices are those of the whole process, and other tests compute on them.
#[test]
fn a_gpu_that_is_destroyed_twice_costs_no_frame_and_no_session() {
    if usable("wgpu").is_none() {
        return;
    }
    let test = "lost_gpu::in_a_process_of_its_own";
    let run = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let [out, errors] = [run.stdout, run.stderr].map(|text| String::from_utf8(text).unwrap());
    print!("{out}{errors}");
    assert!(run.status.success() && out.contains("1 passed"), "{:?}", run.status);
}

#[tokio::test]
#[ignore = "destroys the devices of its process; the test above runs it"]
async fn in_a_process_of_its_own() {
    let gpu = wgpu(WgpuOptions { allow_software: true, adapter: None });
    let server = serve(gpu, ReferenceBackend).await;
    let mut client = server.connect("hello=1").await;
    assert_eq!(client.hear_message().await["session"]["backend"], "wgpu");
    let first = client.ask(image(0)).await;
    assert_eq!(first["result"]["detections"][0]["label"], COLOURS[0].0);

    destroy_devices();
    let lost = Instant::now();
    let second = client.ask(image(1)).await;
    println!("results again after {:?}, from a new device", lost.elapsed());
    assert_eq!(second["result"]["detections"][0]["label"], COLOURS[1].0, "{second}");
    assert_eq!(server.get("/readyz").await.1["status"], "ready");
    assert_eq!(server.metric("framegate_device_failures_total"), 1.0);

    destroy_devices();
    let lost = Instant::now();
    let notice = client.ask(image(2)).await;
    let advice = json!([notice["notice"], notice["backend"]]);
    assert_eq!(advice, json!(["backend_changed", "reference"]), "{notice}");
    let third = client.hear_message().await;
    println!("results again after {:?}, from another backend", lost.elapsed());
    assert_eq!(third["result"]["detections"][0]["label"], COLOURS[2].0);
    assert_eq!(server.get("/readyz").await.1["status"], "degraded");
    assert_eq!(server.metric("framegate_device_failures_total"), 2.0);
    assert_eq!(server.metric("framegate_backend_changes_total"), 1.0);
    assert_eq!(server.metric("framegate_frames_total{outcome=\"result\"}"), 3.0);
}
