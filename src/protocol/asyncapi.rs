//! The WebSocket described for machines: an AsyncAPI 3 document around the schemas that OpenAPI uses,
//! generated from the same types.

use std::time::Duration;

use framegate_models::Size;
use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::{
    BackendChangedMessage, ClassEntry, ClassList, CloseReason, ConfigureMessage, DetectionChanges,
    DetectionResult, DrainingMessage, DropReason, DroppedMessage, ErrorCode, ErrorMessage,
    Greeting, InvalidFrame, Jpeg, RecoveredMessage, ResultMessage, ServerMessage, SessionInfo,
    SessionSettings, SlowDownMessage, StreamQuery, TimingsMs,
};
use crate::stages::{Detection, Stage, StageTimes};

/// The path of the WebSocket.
pub const STREAM_PATH: &str = "/ws/video/stream";

/// A message of the server, as the document describes it.
struct Described {
    /// Key of the message in the document.
    key: &'static str,
    title: &'static str,
    summary: &'static str,
    /// Name of the schema of its payload.
    schema: &'static str,
    example: ServerMessage,
}

/// The AsyncAPI document.
pub fn document() -> Value {
    let described = described();
    let mut messages = Map::new();
    let mut operations = Map::new();
    messages.insert("frame".to_owned(), frame_message());
    operations.insert(
        "receiveFrame".to_owned(),
        operation("receive", "frame", "One JPEG, as one binary message."),
    );
    messages.insert("configure".to_owned(), configure_message());
    operations.insert(
        "receiveConfigure".to_owned(),
        operation(
            "receive",
            "configure",
            "Changes the options of the session, for the frames that follow.",
        ),
    );
    for message in &described {
        messages.insert(message.key.to_owned(), server_message(message));
        let name = format!("send{}", capitalised(message.key));
        operations.insert(name, operation("send", message.key, message.summary));
    }
    let listed = messages
        .keys()
        .map(|key| (key.clone(), json!({ "$ref": format!("#/components/messages/{key}") })));
    let listed: Map<String, Value> = listed.collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Framegate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Live video over a WebSocket: the client sends one JPEG per binary message; \
                every valid frame gets exactly one result, drop or error as JSON text. Frames are \
                numbered from 1, valid frames only. The server closes the connection with the codes \
                listed under `x-close-codes`. The HTTP paths are described in /openapi.json.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "stream": {
                "address": STREAM_PATH,
                "title": "A session",
                "description": "One session per connection, on one pipeline.",
                "messages": listed,
                "bindings": { "ws": { "method": "GET", "query": schema_of::<StreamQuery>() } },
                "x-close-codes": close_codes(),
            },
        },
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas() },
    })
}

/// Every message that the server sends, with an example.
fn described() -> [Described; 8] {
    [
        Described {
            key: "greeting",
            title: "Greeting",
            summary: "The first message of a session opened with `hello=1`, and the answer to `configure`.",
            schema: "Greeting",
            example: ServerMessage::Greeting(Greeting {
                session: SessionInfo {
                    session_id: "0b7a2c1e-6f0d-4a7e-9f57-2f6f3a8b8f10".to_owned(),
                    pipeline_id: "codes".to_owned(),
                    backend: "simd".to_owned(),
                    device: "CPU (avx2)".to_owned(),
                    max_frame_bytes: 5_242_880,
                    labels: vec!["qr_code".to_owned(), "data_matrix".to_owned()],
                    input: Size { width: 320, height: 256 },
                    settings: Some(SessionSettings {
                        conf: 0.25,
                        iou: 0.5,
                        classes: Some(vec!["qr_code:0.5".to_owned(), "data_matrix".to_owned()]),
                        max_det: 300,
                        track: false,
                        text: true,
                    }),
                },
            }),
        },
        Described {
            key: "result",
            title: "Result",
            summary: "What was found in a frame.",
            schema: "ResultMessage",
            example: ServerMessage::Result(ResultMessage {
                frame_index: 1,
                result: example_result(),
                timings_ms: TimingsMs::from(example_times()),
                age_ms: 11.4,
            }),
        },
        Described {
            key: "drop",
            title: "Drop",
            summary: "A frame was dropped.",
            schema: "DroppedMessage",
            example: ServerMessage::dropped(2, DropReason::Busy),
        },
        Described {
            key: "slowDown",
            title: "Slow down",
            summary: "The client sends more frames than the server can process for it. Repeated at \
                      most every 2 s while that lasts.",
            schema: "SlowDownMessage",
            example: ServerMessage::slow_down(7.5, 0.42),
        },
        Described {
            key: "recovered",
            title: "Recovered",
            summary: "Sent once when the session need not slow down any more.",
            schema: "RecoveredMessage",
            example: ServerMessage::recovered(9.0),
        },
        Described {
            key: "draining",
            title: "Draining",
            summary: "The server or the session ends: connect again; close 1012 follows.",
            schema: "DrainingMessage",
            example: ServerMessage::draining(Duration::from_secs(10)),
        },
        Described {
            key: "backendChanged",
            title: "Backend changed",
            summary: "The device was lost, and another backend runs the frames from here on.",
            schema: "BackendChangedMessage",
            example: ServerMessage::backend_changed("simd", "CPU (avx2)", 7.5),
        },
        Described {
            key: "error",
            title: "Error",
            summary: "A frame or the connection failed. `frame_index` is present if the frame had been \
                      counted.",
            schema: "ErrorMessage",
            example: ServerMessage::Error(ErrorMessage {
                error: ErrorCode::InvalidFrame,
                detail: InvalidFrame::NoStartMarker.to_string(),
                frame_index: None,
            }),
        },
    ]
}

fn example_times() -> StageTimes {
    let microseconds = Duration::from_micros;
    StageTimes::from_iter([
        (Stage::Decode, microseconds(2100)),
        (Stage::Resize, microseconds(600)),
        (Stage::Normalise, microseconds(200)),
        (Stage::Inference, microseconds(7900)),
        (Stage::Postprocess, microseconds(100)),
    ])
}

/// A result with one detection, as an example.
pub(crate) fn example_result() -> DetectionResult {
    DetectionResult {
        width: 640,
        height: 480,
        detections: vec![Detection::of_box("qr_code", 0, 0.93, [212.5, 140.0, 96.0, 97.25])],
        tensors: vec![],
    }
}

fn frame_message() -> Value {
    json!({
        "name": "frame",
        "title": "Frame",
        "summary": "One whole JPEG, as one binary message of at most `max_frame_bytes`.",
        "contentType": "image/jpeg",
        "payload": schema_of::<Jpeg>(),
    })
}

fn configure_message() -> Value {
    let configure = DetectionChanges {
        conf: Some(Some(0.5)),
        classes: Some(Some(ClassList::Entries(vec![
            ClassEntry::Text("qr_code:0.75".to_owned()),
            ClassEntry::Number(1),
        ]))),
        max_det: Some(None),
        ..DetectionChanges::default()
    };
    json!({
        "name": "configure",
        "title": "Configure",
        "summary": "The one text message that is taken; the greeting answers it with the options in force. Greetings \
                    that wait to be written are one, the latest.",
        "contentType": "application/json",
        "payload": { "$ref": "#/components/schemas/ConfigureMessage" },
        "examples": [{ "payload": ConfigureMessage { configure } }],
    })
}

fn server_message(message: &Described) -> Value {
    let Described { key, title, summary, schema, example } = message;
    json!({
        "name": key,
        "title": title,
        "summary": summary,
        "contentType": "application/json",
        "payload": { "$ref": format!("#/components/schemas/{schema}") },
        "examples": [{ "payload": example }],
    })
}

fn operation(action: &str, message: &str, summary: &str) -> Value {
    json!({
        "action": action,
        "channel": { "$ref": "#/channels/stream" },
        "summary": summary,
        "messages": [{ "$ref": format!("#/channels/stream/messages/{message}") }],
    })
}

fn close_codes() -> Vec<Value> {
    CloseReason::ALL
        .map(|reason| json!({ "code": reason.code(), "reason": reason.text() }))
        .to_vec()
}

/// The schemas of every message and of everything that they refer to.
fn schemas() -> Map<String, Value> {
    let mut found: Vec<(String, RefOr<Schema>)> = Vec::new();
    collect::<ConfigureMessage>(&mut found);
    collect::<Greeting>(&mut found);
    collect::<ResultMessage>(&mut found);
    collect::<DroppedMessage>(&mut found);
    collect::<SlowDownMessage>(&mut found);
    collect::<RecoveredMessage>(&mut found);
    collect::<DrainingMessage>(&mut found);
    collect::<BackendChangedMessage>(&mut found);
    collect::<ErrorMessage>(&mut found);
    found.into_iter().map(|(name, schema)| (name, as_json(&schema))).collect()
}

fn collect<T: ToSchema>(found: &mut Vec<(String, RefOr<Schema>)>) {
    found.push((T::name().into_owned(), T::schema()));
    T::schemas(found);
}

fn schema_of<T: PartialSchema>() -> Value {
    as_json(&T::schema())
}

fn as_json(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).expect("schemas hold nothing that JSON cannot express")
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        fn check(value: &Value, document: &Value, references: &mut usize) {
            match value {
                Value::Object(keys) => {
                    if let Some(target) = keys.get("$ref") {
                        let pointer = target.as_str().unwrap().trim_start_matches('#');
                        assert!(document.pointer(pointer).is_some(), "{pointer}");
                        *references += 1;
                    }
                    keys.values().for_each(|value| check(value, document, references));
                }
                Value::Array(values) => {
                    values.iter().for_each(|value| check(value, document, references));
                }
                _ => {}
            }
        }
        let document = document();
        let mut references = 0;
        check(&document, &document, &mut references);
        // A channel and a message for each of the nine operations, and more.
        assert!(references > 27, "{references}");
    }

    #[test]
    fn every_kind_of_message_is_described() {
        let kinds = described().map(|described| match described.example {
            ServerMessage::Greeting(_) => 0,
            ServerMessage::Result(_) => 1,
            ServerMessage::Dropped(_) => 2,
            ServerMessage::SlowDown(_) => 3,
            ServerMessage::Recovered(_) => 4,
            ServerMessage::Draining(_) => 5,
            ServerMessage::BackendChanged(_) => 6,
            ServerMessage::Error(_) => 7,
        });
        assert_eq!(kinds, [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
