//! A server whose device fails.

use std::sync::{Arc, Mutex, mpsc};
use std::thread::sleep;
use std::time::Duration;

use framegate::backends::{FailoverSession, LoadOn, Selected, SelfChecked};
use framegate::front::RunsOn;
use framegate_backend_api::{Backend, BackendError};
use framegate_testkit::ReferenceBackend;
use framegate_testkit::fake::{Call, FakeBackend, Outcome};
use serde_json::json;

use crate::support::colours::{COLOURS, image};
use crate::support::server::{Setup, TestServer};

fn selected(backend: impl Backend + 'static) -> Arc<Selected> {
    let device = backend.probe().unwrap();
    Arc::new(Selected { backend: Box::new(backend), device, reason: String::new(), rival: None })
}

/// A device that is lost with the first frame: the call before is the engine's own.
fn lost_with_the_first_frame() -> FakeBackend {
    lost_after([Call::instant(Outcome::Success)])
}

/// A device that is lost after these calls.
fn lost_after<const N: usize>(calls: [Call; N]) -> FakeBackend {
    let lost = BackendError::Device { backend: "fake", reason: "lost".to_owned() };
    FakeBackend::new(calls, Call::instant(Outcome::Failure(lost)), |_| {})
}

pub(crate) async fn serve(
    first: impl Backend + 'static,
    spare: impl Backend + 'static,
) -> TestServer {
    serve_with(Setup::colours(), first, spare).await
}

async fn serve_with(
    setup: Setup,
    first: impl Backend + 'static,
    spare: impl Backend + 'static,
) -> TestServer {
    let (first, spare) = (selected(first), selected(spare));
    TestServer::start_with(setup, |detector, limits, metrics| {
        let (observe, runs_on) = RunsOn::observe(&first, metrics);
        let session = first.backend.load(&detector.model, limits).unwrap();
        let (detector, limits) = (Arc::clone(detector), *limits);
        let load: LoadOn = Box::new(move |backend| backend.load(&detector.model, &limits));
        let spares = Box::new([Arc::clone(&spare)].into_iter());
        let session = FailoverSession::new(session, Arc::clone(&first), spares, load, observe);
        (Box::new(session), runs_on)
    })
    .await
}

#[tokio::test]
async fn a_server_without_a_device_that_works_is_not_ready() {
    let server = serve(lost_with_the_first_frame(), lost_after([])).await;
    let mut client = server.connect("").await;
    assert_eq!(client.ask(image(0)).await["error"], "pipeline_failure");
    let (status, readiness) = server.get("/readyz").await;
    assert_eq!((status, &readiness["status"]), (503, &json!("failing")));
    server.stop().await;
}

#[tokio::test]
async fn a_lost_device_costs_no_frame_and_no_session() {
    let server = serve(lost_with_the_first_frame(), ReferenceBackend).await;
    assert_eq!(server.get("/readyz").await.1["status"], "ready");
    let mut client = server.connect("hello=1").await;
    assert_eq!(client.hear_message().await["session"]["backend"], "fake");

    let notice = client.ask(image(0)).await;
    assert_eq!(
        (&notice["notice"], &notice["backend"]),
        (&json!("backend_changed"), &json!("reference"))
    );
    assert!(notice["device"].is_string(), "{notice}");
    assert!(notice["recommended_fps"].as_f64() > Some(0.0), "{notice}");
    let result = client.hear_message().await;
    assert_eq!(result["frame_index"], 1);
    assert_eq!(result["result"]["detections"][0]["label"], COLOURS[0].0);
    assert_eq!(client.ask(image(1)).await["frame_index"], 2, "it is said once");

    let (status, readiness) = server.get("/readyz").await;
    assert_eq!((status, &readiness["status"]), (200, &json!("degraded")));
    assert_eq!(server.get("/info").await.1["backend"], "reference");
    assert_eq!(server.metric("framegate_device_failures_total"), 1.0);
    assert_eq!(server.metric("framegate_backend_changes_total"), 1.0);
    assert_eq!(server.metric("framegate_frames_total{outcome=\"result\"}"), 2.0);

    let mut late = server.connect("hello=1").await;
    assert_eq!(late.hear_message().await["session"]["backend"], "reference");
    assert_eq!(late.ask(image(2)).await["frame_index"], 1, "who came later knew it from the start");
}

#[tokio::test]
async fn an_idle_device_that_begins_to_compute_wrong_numbers_is_left() {
    let (checking, mut is_checked) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, may_go_on) = mpsc::channel();
    let may_go_on = Mutex::new(may_go_on);
    // The check when the model is loaded, the engine's own call, and the first check of an idle device, which waits for
    // this test. Wrong from then on.
    let [right, wrong] = [Outcome::Success, Outcome::WrongNumbers].map(Call::instant);
    let waiting = Call { latency: Duration::from_secs(1), ..wrong.clone() };
    let fake = FakeBackend::new([right.clone(), right, waiting], wrong, move |latency| {
        if !latency.is_zero() {
            checking.send(()).unwrap();
            may_go_on.lock().unwrap().recv().unwrap();
        }
    });
    let (backend, reference) = (Box::new(fake), Box::new(ReferenceBackend));
    let mut setup = Setup::colours();
    setup.engine.device_check = Some(Duration::from_millis(1));
    let server = serve_with(setup, SelfChecked { backend, reference }, ReferenceBackend).await;
    is_checked.recv().await.unwrap();
    let mut client = server.connect("hello=1").await;
    assert_eq!(client.hear_message().await["session"]["backend"], "fake");
    assert_eq!(server.get("/readyz").await.1["status"], "ready");
    go_on.send(()).unwrap();

    let notice = client.ask(image(0)).await;
    assert_eq!(
        (&notice["notice"], &notice["backend"]),
        (&json!("backend_changed"), &json!("reference"))
    );
    let result = client.hear_message().await;
    assert_eq!(result["result"]["detections"][0]["label"], COLOURS[0].0);
    assert_eq!(server.get("/readyz").await.1["status"], "degraded");
    assert_eq!(server.metric("framegate_device_failures_total"), 1.0);
    assert_eq!(server.metric("framegate_backend_changes_total"), 1.0);
}

#[tokio::test]
async fn the_advice_follows_the_slower_device_at_once() {
    let slow = Call { latency: Duration::from_millis(50), outcome: Outcome::Success };
    let server = serve(lost_with_the_first_frame(), FakeBackend::new([], slow, sleep)).await;
    let mut client = server.connect("").await;
    let notice = client.ask(image(0)).await;
    // Nine tenths of what 50 ms per frame allow, less what a busy machine takes.
    let fps = notice["recommended_fps"].as_f64().unwrap();
    assert!(fps > 1.0 && fps <= 18.0, "{notice}");
    assert!(client.hear_message().await["result"].is_object());
}
