//! Forms that are made to be taken apart for long, or to be held twice.

use framegate_testkit::ReferenceBackend;
use serde_json::{Value, json};

use crate::support::server::{Setup, TestServer};

const FORM: &str = "multipart/form-data; boundary=b";
/// Longest frame here, in bytes.
const LONG: usize = 4 << 20;

async fn server() -> TestServer {
    let mut setup = Setup::colours();
    setup.front.max_frame_bytes = LONG;
    setup.front.deepstack = true;
    TestServer::start(&ReferenceBackend, setup).await
}

async fn post(server: &TestServer, path: &str, body: Vec<u8>) -> (u16, Value) {
    let request = reqwest::Client::new().post(server.url(path)).header("content-type", FORM);
    let answer = request.body(body).send().await.unwrap();
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

fn of_parts(bytes: usize) -> Vec<u8> {
    const PART: &[u8] = b"\r\n--b\r\n\r\n";
    [b"--b", &*PART.repeat(bytes / PART.len()), b"\r\n--b--\r\n"].concat()
}

#[tokio::test]
async fn a_form_of_many_parts_is_refused_wherever_forms_are_taken() {
    let server = server().await;
    for path in ["/infer", "/video/process", "/video/submit"] {
        let (status, refusal) = post(&server, path, of_parts(1 << 20)).await;
        let expected =
            json!({ "error": "invalid_form", "detail": "The form has more than 100 parts" });
        assert_eq!((status, refusal), (400, expected), "{path}");
        let head = [&b"--b\r\n"[..], &vec![0xFF; 1 << 20], b"\r\n\r\nx\r\n--b--\r\n"].concat();
        let (status, refusal) = post(&server, path, head).await;
        assert_eq!((status, &refusal["error"]), (400, &json!("invalid_form")), "{path}");
        assert!(refusal["detail"].as_str().unwrap().contains("8192 bytes"), "{refusal}");
    }
    let (status, refusal) = post(&server, "/v1/vision/detection", of_parts(1 << 20)).await;
    assert_eq!((status, &refusal["error"]), (400, &json!("The form has more than 100 parts")));
}
