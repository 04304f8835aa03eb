//! The detection API of DeepStack and CodeProject.AI, spoken by a server that was asked to.

use framegate::protocol::deepstack::{Failure, ModelList, Predictions};
use framegate_testkit::ReferenceBackend;
use reqwest::Response;

use crate::support::colours::{colour_detector, image};
use crate::support::images::hollow;
use crate::support::server::{Setup, TestServer};

const FORM: &str = "multipart/form-data; boundary=b";

async fn server() -> TestServer {
    let mut setup = Setup::colours();
    setup.front.deepstack = true;
    let mut other = colour_detector();
    other.labels = ["rot", "gruen", "blau"].map(str::to_owned).to_vec();
    setup.pipelines.push(("farben".to_owned(), other));
    setup.engine.max_batch = 4;
    TestServer::start(&ReferenceBackend, setup).await
}

/// A form with these text fields, then the image.
fn form(fields: &[(&str, &str)], image: &[u8]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, text) in fields {
        let part =
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
        form.extend(part.as_bytes());
    }
    form.extend(
        b"--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"image\"\r\n\r\n",
    );
    form.extend(image);
    form.extend(b"\r\n--b--\r\n");
    form
}

async fn post(server: &TestServer, path: &str, content_type: &str, body: Vec<u8>) -> Response {
    let request =
        reqwest::Client::new().post(server.url(path)).header("content-type", content_type);
    request.body(body).send().await.unwrap()
}

async fn predictions(server: &TestServer, path: &str, body: Vec<u8>) -> Predictions {
    let answer = post(server, path, FORM, body).await;
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn an_image_in_a_form_is_answered_with_predictions() {
    let server = server().await;
    let body = form(&[("api_key", "secret"), ("min_confidence", "0.6")], &image(2));
    let answer = predictions(&server, "/v1/vision/detection", body).await;
    assert!(answer.success && answer.duration > 0.0);
    let [found] = &answer.predictions[..] else { panic!("{answer:?}") };
    assert_eq!(found.label, "blue");
    assert!(found.confidence > 0.6 && found.confidence <= 1.0);
    assert!(0 <= found.x_min && found.x_min < found.x_max && found.x_max <= 20, "{found:?}");
    assert!(0 <= found.y_min && found.y_min < found.y_max && found.y_max <= 10, "{found:?}");
    let named = predictions(&server, "/v1/vision/custom/farben", form(&[], &image(2))).await;
    assert_eq!(named.predictions[0].label, "blau");
    assert_eq!(server.metric("framegate_frames_total{outcome=\"result\"}"), 2.0);
}

#[tokio::test]
async fn min_confidence_decides_and_the_pipelines_own_does_without_it() {
    let server = server().await;
    let count = async |fields: &[(&str, &str)]| {
        let body = form(fields, &image(0));
        predictions(&server, "/v1/vision/detection", body).await.predictions.len()
    };
    let default = count(&[]).await;
    assert_eq!(default, 1);
    assert!(count(&[("min_confidence", "0")]).await > default, "all candidates have some score");
    assert_eq!(count(&[("min_confidence", "1.0")]).await, 0);
    for empty in ["", " \r\n"] {
        assert_eq!(count(&[("min_confidence", empty)]).await, default, "{empty:?}");
    }
}

#[tokio::test]
async fn pipelines_are_listed_and_a_slash_at_the_end_changes_nothing() {
    let server = server().await;
    for (path, content_type, body) in [
        ("/v1/vision/custom/list", "text/plain", Vec::new()),
        ("/v1/vision/custom/list", FORM, form(&[], &image(0))),
        ("/v1/vision/custom/list/", FORM, Vec::new()),
    ] {
        let answer = post(&server, path, content_type, body).await;
        assert_eq!(answer.status(), 200, "{path}");
        let list: ModelList = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert!(list.success && list.code == 200, "{list:?}");
        assert_eq!(list.models, ["colours", "farben"]);
    }
    for (path, label) in [("/v1/vision/detection/", "blue"), ("/v1/vision/custom/farben/", "blau")]
    {
        let answer = predictions(&server, path, form(&[], &image(2))).await;
        assert_eq!(answer.predictions[0].label, label);
    }
}

#[tokio::test]
async fn refusals_have_the_form_that_its_clients_read() {
    let server = server().await;
    let path = "/v1/vision/detection";
    for (path, content_type, body, status, words) in [
        (path, "image/jpeg", image(0), 400, "a JPEG as its file `image`"),
        (path, FORM, b"--b--".to_vec(), 400, "no file `image`"),
        (path, FORM, form(&[("min_confidence", "40")], &image(0)), 400, "0.4 for 40 percent"),
        (path, FORM, form(&[("min_confidence", "x")], &image(0)), 400, "from 0 to 1"),
        (path, FORM, form(&[], b""), 400, "Frame is empty"),
        (path, FORM, form(&[], b"\x89PNG"), 400, "not a valid JPEG"),
        (path, FORM, form(&[], b"\xFF\xD8 \xFF\xD9"), 400, ""),
        (path, FORM, form(&[], &hollow(70_000)), 413, "exceeds limit"),
        (path, FORM, form(&[], &hollow(200_000)), 413, "exceeds limit"),
        ("/v1/vision/custom/nope", FORM, form(&[], &image(0)), 404, "GET /pipelines"),
    ] {
        let answer = post(&server, path, content_type, body).await;
        assert_eq!(answer.status(), status, "{words}");
        let failure: Failure = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert!(!failure.success && failure.code == status, "{failure:?}");
        assert!(failure.error.contains(words), "{failure:?}");
    }
    // A session that does not answer its close delays the end of the server for a moment.
    let _open = server.connect("").await;
    server.begin_shutdown();
    server.app.draining.cancelled().await;
    let refused = post(&server, path, FORM, form(&[], &image(0))).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn pages_are_let_in_by_origin() {
    let server = server().await;
    for (origin, agent, expected) in [
        ("https://allowed.example", "Mozilla/5.0", 200),
        ("https://other.example", "Mozilla/5.0", 403),
        ("null", "Mozilla/5.0", 403),
        ("https://other.example", "python-requests/2", 200),
    ] {
        let request = reqwest::Client::new().post(server.url("/v1/vision/detection"));
        let request = request.header("content-type", FORM).header("user-agent", agent);
        let request = request.header("origin", origin).body(form(&[], &image(0)));
        assert_eq!(request.send().await.unwrap().status(), expected, "{origin} {agent}");
    }
    assert_eq!(server.metric("framegate_refused_total{reason=\"origin\"}"), 2.0);
}

#[tokio::test]
async fn without_being_asked_for_it_is_not_there() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    for path in [
        "/v1/vision/detection",
        "/v1/vision/custom/colours",
        "/v1/vision/custom/list",
        "/v1/vision/custom/list/",
    ] {
        assert_eq!(post(&server, path, FORM, form(&[], &image(0))).await.status(), 404, "{path}");
    }
}
