//! The published documents: what is committed is what the server generates, and what the server answers
//! is what they describe.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use framegate::front::admission::DropThresholds;
use framegate::front::documents::{ASYNCAPI, OPENAPI};
use framegate::protocol::{ConfigureMessage, ServerMessage};
use framegate_testkit::ReferenceBackend;
use framegate_testkit::fake::{Call, FakeBackend, Outcome};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::client::{Client, Said};
use crate::support::colours::image;
use crate::support::images::hollow;
use crate::support::server::{Setup, TestServer};

/// A published document whose schemas forbid keys that they do not list, so that an answer with an
/// undocumented key fails.
struct Contract {
    document: Value,
}

impl Contract {
    fn read(text: &str) -> Self {
        let mut document: Value = serde_json::from_str(text).unwrap();
        forbid_other_keys(&mut document["components"]["schemas"]);
        Self { document }
    }

    fn openapi() -> Self {
        Self::read(&OPENAPI)
    }

    fn asyncapi() -> Self {
        Self::read(&ASYNCAPI)
    }

    /// The problems that the schema at `pointer` has with a value.
    fn problems(&self, pointer: &str, value: &Value) -> Vec<String> {
        let schema = self.document.pointer(pointer);
        let mut schema = schema.unwrap_or_else(|| panic!("{pointer} is not described")).clone();
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        validator.iter_errors(value).map(|error| error.to_string()).collect()
    }

    #[track_caller]
    fn assert_holds(&self, pointer: &str, value: &Value) {
        let problems = self.problems(pointer, value);
        assert!(problems.is_empty(), "{pointer}: {problems:?} in {value}");
    }

    /// Holds an answer over HTTP against its description.
    #[track_caller]
    fn assert_answer(&self, method: &str, path: &str, status: u16, body: &Value) {
        let path = path.replace('/', "~1");
        let schema = "content/application~1json/schema";
        self.assert_holds(&format!("/paths/{path}/{method}/responses/{status}/{schema}"), body);
    }

    /// Holds a message of the server against its description.
    #[track_caller]
    fn assert_message(&self, key: &str, message: &Value) {
        self.assert_holds(&format!("/components/messages/{key}/payload"), message);
    }
}

fn forbid_other_keys(schema: &mut Value) {
    match schema {
        Value::Object(keys) => {
            keys.values_mut().for_each(forbid_other_keys);
            if keys.get("properties").is_some_and(Value::is_object) {
                keys.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(forbid_other_keys),
        _ => {}
    }
}

#[test]
fn the_committed_documents_are_those_that_are_served() {
    for (name, generated) in [("openapi.json", &OPENAPI), ("asyncapi.json", &ASYNCAPI)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
        if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
            std::fs::write(&path, generated.as_str()).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == generated.as_str(),
            "docs/{name} is out of date: run this test with UPDATE_DOCS=1 to regenerate it"
        );
    }
}

#[tokio::test]
async fn the_documents_are_served_and_shown() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    for (path, expected, version) in
        [("/openapi.json", &OPENAPI, "3.1.0"), ("/asyncapi.json", &ASYNCAPI, "3.0.0")]
    {
        let answer = reqwest::get(server.url(path)).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json", "{path}");
        let text = answer.text().await.unwrap();
        assert_eq!(text, expected.as_str(), "{path}");
        let document: Value = serde_json::from_str(&text).unwrap();
        let found = document.get("openapi").or(document.get("asyncapi"));
        assert_eq!(found, Some(&json!(version)));
    }
    let page = reqwest::get(server.url("/docs")).await.unwrap();
    assert_eq!(page.status(), 200);
    let html = page.text().await.unwrap();
    assert!(
        html.contains("POST /infer") && !html.contains("http"),
        "it needs nothing else: {html}"
    );
    for file in ["docs.css", "main.js", "server.js", "show.js", "example.js"] {
        let path = format!("/web/docs/{file}");
        assert_eq!(reqwest::get(server.url(&path)).await.unwrap().status(), 200, "{path}");
    }
}

#[test]
fn the_contract_notices_answers_that_break_it() {
    let asyncapi = Contract::asyncapi();
    let pointer = |key| format!("/components/messages/{key}/payload");
    for (key, message) in [
        ("drop", json!({ "frame_index": 1, "dropped": false, "reason": "busy" })),
        ("drop", json!({ "frame_index": 1, "dropped": true, "reason": "tired" })),
        ("drop", json!({ "frame_index": 1, "dropped": true })),
        ("drop", json!({ "frame_index": 1, "dropped": true, "reason": "busy", "new": 1 })),
        ("error", json!({ "error": "invalid_frame", "detail": "", "frame_index": null })),
        ("slowDown", json!({ "warning": "hurry", "recommended_fps": 1.0, "drop_rate": 0.5 })),
    ] {
        assert!(!asyncapi.problems(&pointer(key), &message).is_empty(), "{message}");
    }
}

#[test]
fn examples_are_what_is_described() {
    let asyncapi = Contract::asyncapi();
    let messages = asyncapi.document["components"]["messages"].as_object().unwrap();
    let mut examples = 0;
    for (key, message) in messages {
        for example in message["examples"].as_array().into_iter().flatten() {
            asyncapi.assert_message(key, &example["payload"]);
            let payload = example["payload"].clone();
            match key.as_str() {
                "configure" => drop(serde_json::from_value::<ConfigureMessage>(payload).unwrap()),
                _ => drop(serde_json::from_value::<ServerMessage>(payload).unwrap()),
            }
            examples += 1;
        }
    }
    assert_eq!(examples, 9);
}

#[tokio::test]
async fn answers_over_http_are_those_described() {
    let openapi = Contract::openapi();
    let starting = TestServer::starting(Setup::colours().front).await;
    for path in ["/readyz", "/info", "/pipelines"] {
        let (status, body) = starting.get(path).await;
        assert_eq!(status, 503);
        openapi.assert_answer("get", path, status, &body);
    }
    starting.stop().await;

    let mut setup = Setup::colours();
    setup.front.max_frame_bytes = 4096;
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let mut answered = BTreeSet::new();
    for path in ["/readyz", "/info", "/pipelines"] {
        let (status, body) = server.get(path).await;
        assert_eq!(status, 200);
        openapi.assert_answer("get", path, status, &body);
        answered.insert(path);
    }
    let (status, body) = server.get("/ws/video/stream").await;
    assert_eq!(status, 426);
    openapi.assert_answer("get", "/ws/video/stream", status, &body);

    let mut statuses = BTreeSet::new();
    for (query, content_type, origin, body) in [
        ("", "image/jpeg", None, image(0)),
        ("", "image/jpeg", None, vec![]),
        ("", "image/jpeg", None, b"\xFF\xD8 \xFF\xD9".to_vec()),
        ("?pipeline_id=nope", "image/jpeg", None, image(0)),
        ("", "image/jpeg", None, hollow(4097)),
        ("", "image/png", None, image(0)),
        ("", "image/jpeg", Some("https://elsewhere.example"), image(0)),
    ] {
        let url = server.url(&format!("/infer{query}"));
        let mut request =
            reqwest::Client::new().post(url).header("content-type", content_type).body(body);
        if let Some(origin) = origin {
            request = request.header("origin", origin).header("user-agent", "Mozilla/5.0");
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        openapi.assert_answer("post", "/infer", status, &body);
        statuses.insert(status);
    }
    assert_eq!(statuses, BTreeSet::from([200, 400, 403, 413, 415]));
    assert_jobs_are_those_described(&openapi, &server).await;
    // Every path that the document names is there, and none answers with JSON that was not looked at.
    for (path, methods) in openapi.document["paths"].as_object().unwrap() {
        let get = &methods["get"];
        // What needs the name of a job is looked at where there is one.
        if get.is_null() || path.starts_with("/ws/") || path.contains('{') {
            continue;
        }
        let answer = reqwest::get(server.url(path)).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let content_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let described = get["responses"]["200"]["content"].as_object().unwrap();
        assert!(described.keys().any(|described| content_type.starts_with(described)), "{path}");
    }
}

async fn assert_jobs_are_those_described(openapi: &Contract, server: &TestServer) {
    let video = include_bytes!("../../video/tests/data/small.mp4");
    let mut id = String::new();
    for (status, body) in [(400, b"GIF89a".to_vec()), (202, video.to_vec())] {
        let request = reqwest::Client::new().post(server.url("/video/submit"));
        let answer = request.header("content-type", "video/mp4").body(body).send().await.unwrap();
        assert_eq!(answer.status(), status);
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        openapi.assert_answer("post", "/video/submit", status, &body);
        id = body["job_id"].as_str().unwrap_or_default().to_owned();
    }
    let follow = reqwest::Client::new().get(server.url(&format!("/video/results/{id}")));
    let lines = follow.header("accept", "application/x-ndjson").send().await.unwrap();
    for line in lines.text().await.unwrap().lines() {
        let schema = "/paths/~1video~1results~1{job_id}/get/responses/200/content";
        let line: Value = serde_json::from_str(line).unwrap();
        openapi.assert_holds(&format!("{schema}/application~1x-ndjson/schema"), &line);
    }
    for what in ["status", "results"] {
        for (id, status) in [(id.as_str(), 200), ("nope", 404)] {
            let (found, body) = server.get(&format!("/video/{what}/{id}")).await;
            assert_eq!(found, status);
            openapi.assert_answer("get", &format!("/video/{what}/{{job_id}}"), status, &body);
        }
    }
    let (status, body) = server.get("/video/jobs").await;
    assert_eq!((status, body["jobs"].as_array().unwrap().len()), (200, 1));
    openapi.assert_answer("get", "/video/jobs", status, &body);
}

#[tokio::test]
async fn messages_of_a_session_are_those_described() {
    let asyncapi = Contract::asyncapi();
    // Slow, and quick to warn.
    let slow = Call { latency: Duration::from_millis(40), outcome: Outcome::Success };
    let backend = FakeBackend::new([], slow, std::thread::sleep);
    let mut setup = Setup::colours();
    setup.front.thresholds = DropThresholds { drop: 0.0, slow_down: 0.0 };
    let server = TestServer::start(&backend, setup).await;
    let mut client = server.connect("hello=1").await;
    asyncapi.assert_message("greeting", &client.hear_message().await);
    asyncapi.assert_message("result", &client.ask(image(0)).await);
    asyncapi.assert_message("error", &client.ask("not an image").await);
    asyncapi.assert_message("error", &client.ask(b"\xFF\xD8\xFF\xD9".to_vec()).await);
    let mut seen = BTreeSet::new();
    for number in 0..100 {
        client.send(image(number)).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.begin_shutdown();
    let closed = loop {
        match client.hear().await {
            Said::Message(message) => {
                let key = key_of(&message);
                asyncapi.assert_message(key, &message);
                seen.insert(key);
            }
            Said::Closed(code) => break code,
        }
    };
    assert_eq!(closed, Some(1012));
    assert!(
        seen.is_superset(&BTreeSet::from(["result", "drop", "slowDown", "draining"])),
        "{seen:?}"
    );
    let recovered = serde_json::to_value(ServerMessage::recovered(9.0)).unwrap();
    asyncapi.assert_message("recovered", &recovered);
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn closes_are_those_described() {
    let asyncapi = Contract::asyncapi();
    let described = asyncapi.document["channels"]["stream"]["x-close-codes"].as_array().unwrap();
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let mut text = server.connect("").await;
    text.send_message(Message::text("{}")).await;
    asyncapi.assert_message("error", &text.hear_message().await);
    let mut unknown = Client::connect(server.address, "pipeline_id=nope").await;
    asyncapi.assert_message("error", &unknown.hear_message().await);
    for (client, code) in [(&mut text, 1003), (&mut unknown, 1008)] {
        assert_eq!(client.hear().await, Said::Closed(Some(code)));
        assert!(described.iter().any(|close| close["code"] == code), "{code}");
    }
}

fn key_of(message: &Value) -> &'static str {
    match serde_json::from_value(message.clone()).unwrap() {
        ServerMessage::Greeting(_) => "greeting",
        ServerMessage::Result(_) => "result",
        ServerMessage::Dropped(_) => "drop",
        ServerMessage::SlowDown(_) => "slowDown",
        ServerMessage::Recovered(_) => "recovered",
        ServerMessage::Draining(_) => "draining",
        ServerMessage::Error(_) => "error",
        other => panic!("{other:?} is not described"),
    }
}
