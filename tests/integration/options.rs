//! The options of sessions and requests: thresholds, classes, number of detections, numbers of objects.

use framegate_testkit::ReferenceBackend;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::client::{Client, Said};
use crate::support::colours::image;
use crate::support::server::{Setup, TestServer};

/// The labels of a result, sorted. With `conf=0` the detector of colours reports all three.
fn labels(message: &Value) -> Vec<&str> {
    let detections = message["result"]["detections"].as_array().expect("a result");
    let mut labels: Vec<&str> =
        detections.iter().map(|detection| detection["label"].as_str().unwrap()).collect();
    labels.sort_unstable();
    labels
}

async fn configure(client: &mut Client, changes: Value) -> Value {
    let message = json!({ "configure": changes }).to_string();
    client.send_message(Message::text(message)).await;
    client.hear_message().await["session"]["settings"].clone()
}

#[tokio::test]
async fn a_session_has_its_own_thresholds_classes_and_number_of_detections() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    for (query, expected) in [
        ("", vec!["green"]),
        ("conf=0", vec!["blue", "green", "red"]),
        ("conf=0&max_det=1", vec!["green"]),
        ("conf=0&classes=blue,red", vec!["blue", "red"]),
        ("conf=0&classes=2", vec!["blue"]),
        ("classes=blue:0,green", vec!["blue", "green"]),
        ("conf=0&classes=blue:0.5,red", vec!["red"]),
        ("classes=red", vec![]),
    ] {
        let mut client = server.connect(query).await;
        let message = client.ask(image(1)).await;
        assert_eq!(labels(&message), expected, "{query}");
        assert!(!message.to_string().contains("track_id"), "only on request");
    }
}

#[tokio::test]
async fn options_that_cannot_be_had_refuse_the_session() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    for query in [
        "conf=1.5",
        "conf=-0.1",
        "conf=NaN",
        "conf=high",
        "iou=2",
        "max_det=0",
        "max_det=-1",
        "text=false",
        "track=true",
        "hello=yes",
        "conff=0.5",
        "conf=0.5&conf=0.6",
        "classes=cat",
        "classes=",
        "classes=red:2",
    ] {
        let refused = Client::connect_from(server.address, query, None).await;
        assert_eq!(refused.err(), Some(400), "{query}");
    }
}

#[tokio::test]
async fn options_change_while_the_session_lasts() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let mut client = server.connect("conf=0&hello=1").await;
    let greeting = client.hear_message().await;
    let at_first = json!({ "conf": 0.0, "iou": 0.45, "classes": null, "max_det": 300, "track": false, "text": false });
    assert_eq!(greeting["session"]["settings"], at_first);
    assert_eq!(labels(&client.ask(image(0)).await).len(), 3);

    let changes = json!({ "classes": ["blue:0.25", 0], "max_det": 2 });
    let settings = configure(&mut client, changes).await;
    let expected = json!({ "conf": 0.0, "iou": 0.45, "classes": ["red", "blue:0.25"], "max_det": 2, "track": false, "text": false });
    assert_eq!(settings, expected);
    assert_eq!(labels(&client.ask(image(1)).await), ["red"]);
    // What is answered can be sent back.
    let again = json!({ "classes": settings["classes"], "conf": settings["conf"], "iou": 0.3 });
    assert_eq!(configure(&mut client, again).await["classes"], settings["classes"]);

    let settings =
        configure(&mut client, json!({ "conf": null, "classes": null, "max_det": null })).await;
    let defaults = json!({ "conf": 0.5, "iou": 0.3, "classes": null, "max_det": 300, "track": false, "text": false });
    assert_eq!(settings, defaults);
    let message = client.ask(image(1)).await;
    assert_eq!((labels(&message), &message["frame_index"]), (vec!["green"], &json!(3)));
    assert_eq!(configure(&mut client, json!({ "max_det": 1_000_000 })).await["max_det"], 300);
    assert_eq!(configure(&mut client, json!({ "text": 1 })).await["conf"], 0.5);
}

#[tokio::test]
async fn any_other_text_ends_the_session() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let text = "Expected binary frame payload, received text message";
    let long = json!({ "configure": { "classes": "red,".repeat(10_000) } }).to_string();
    for (message, detail) in [
        ("{}", text),
        ("[]", text),
        (
            r#"{"configure":{"confidence":0.5}}"#,
            "configure has no key \"confidence\"; its keys are conf, iou, classes, max_det and text",
        ),
        (r#"{"configure":{"conf":"0.5"}}"#, "conf must be a number from 0 to 1, or null"),
        (&long, text),
        (r#"{"configure":{"conf":1.5}}"#, "conf must be from 0 to 1"),
        (r#"{"configure":{"max_det":0}}"#, "max_det must be at least 1"),
        (r#"{"configure":{"classes":[]}}"#, "classes names no class"),
        (r#"{"configure":{"classes":"cat"}}"#, "there is no class \"cat\"; see GET /pipelines"),
    ] {
        let mut client = server.connect("").await;
        client.send_message(Message::text(message)).await;
        let error = client.hear_message().await;
        assert_eq!(
            (&error["error"], &error["detail"]),
            (&json!("invalid_message"), &json!(detail))
        );
        assert_eq!(client.hear().await, Said::Closed(Some(1003)), "{message}");
    }
}

#[tokio::test]
async fn a_request_has_the_same_options() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let post = async |query: &str| {
        let request = reqwest::Client::new().post(server.url(&format!("/infer?{query}")));
        let answer =
            request.header("content-type", "image/jpeg").body(image(1)).send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    };
    for (query, expected) in [
        ("", vec!["green"]),
        ("conf=0&classes=green,red&max_det=1", vec!["green"]),
        ("conf=0&iou=1", vec!["blue", "green", "red"]),
    ] {
        let (status, result): (u16, Value) = post(query).await;
        assert_eq!((status, labels(&json!({ "result": result }))), (200, expected), "{query}");
    }
    let (status, refused) = post("classes=cat").await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_query")));
    assert_eq!(refused["detail"], "there is no class \"cat\"; see GET /pipelines");
    let (status, refused) = post("conf=high").await;
    assert_eq!((status, &refused["detail"]), (400, &json!("conf must be a number from 0 to 1")));
}

#[tokio::test]
async fn objects_keep_their_numbers_from_result_to_result() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let mut client = server.connect("track=1&conf=0&hello=1").await;
    assert_eq!(client.hear_message().await["session"]["settings"]["track"], true);
    let mut other = server.connect("track=1").await;
    let numbers = |message: &Value| {
        let detections = message["result"]["detections"].as_array().unwrap();
        let number = |label: &str| {
            let found = detections.iter().find(|detection| detection["label"] == label);
            found.and_then(|detection| detection["track_id"].as_u64())
        };
        ["red", "green", "blue"].map(number)
    };
    // Each class is one object that fills the frame, in an order that changes.
    let first = numbers(&client.ask(image(0)).await);
    let mut given = first.map(Option::unwrap);
    given.sort_unstable();
    assert_eq!(given, [1, 2, 3]);
    for number in 1..5 {
        assert_eq!(numbers(&client.ask(image(number)).await), first);
    }
    assert_eq!(
        numbers(&other.ask(image(2)).await),
        [None, None, Some(1)],
        "each session counts for itself"
    );
    assert_eq!(numbers(&other.ask(image(0)).await), [Some(2), None, None]);
    assert_eq!(numbers(&other.ask(image(2)).await), [None, None, Some(1)]);
}
