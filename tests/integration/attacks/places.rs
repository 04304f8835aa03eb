//! Connections that take places and do nothing with them.

use std::process::{Command, Stdio};
use std::time::Duration;

use framegate::front::places::PlaceLimits;
use framegate::front::sessions::SessionLimit;
use framegate_testkit::ReferenceBackend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::support::client::Client;
use crate::support::colours::image;
use crate::support::raw::{frame, get, read_to_close, request, stream};
use crate::support::server::{Setup, TestServer};
use crate::support::serving::Server;

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

async fn server(total: usize, per_address: usize) -> TestServer {
    let mut setup = Setup::colours();
    setup.front.places = PlaceLimits { total, per_address, reserve: 2 };
    TestServer::start(&ReferenceBackend, setup).await
}

async fn silent(server: &TestServer, connections: usize) -> Vec<TcpStream> {
    let mut silent = Vec::new();
    for _ in 0..connections {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    silent
}

#[tokio::test]
async fn silent_connections_lock_no_client_out() {
    let server = server(8, 8).await;
    let _silent = silent(&server, 50).await;
    let answered = timeout(PATIENCE, async {
        let mut client = server.connect("").await;
        client.ask(image(0)).await
    });
    assert!(answered.await.expect("the client gets a place")["result"].is_object());
}

#[tokio::test]
async fn when_every_place_is_taken_health_is_still_answered() {
    let server = server(3, 3).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(server.connect("").await);
    }
    let _silent = silent(&server, 50).await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer = timeout(PATIENCE, request(server.address, &get(path))).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    let refused = timeout(PATIENCE, request(server.address, &get("/info"))).await.unwrap();
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(
        refused.contains("too_many_connections") && refused.contains("retry-after"),
        "{refused}"
    );
    assert_eq!(Client::connect_from(server.address, "", None).await.err(), Some(503));
    assert_eq!(server.metric("framegate_refused_total{reason=\"connections\"}"), 2.0);
    // Those who have a place keep it.
    for stream in &mut streams {
        assert!(stream.ask(image(0)).await["result"].is_object());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn health_is_answered_however_few_files_may_be_open() {
    let server = Server::start_with(&["--backend", "null"], limited("-n 64"));
    let warning = server.startup.iter().find(|line| line["fields"]["max_connections"] == 16);
    assert_eq!(warning.expect("a warning")["level"], "WARN");
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    let answer = timeout(PATIENCE, request(server.address, &get("/healthz"))).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_limit_of_open_files_is_raised_where_that_is_allowed() {
    // Only the soft limit.
    let server = Server::start_with(&["--backend", "null"], limited("-S -n 64"));
    assert!(server.startup.iter().all(|line| line["level"] != "WARN"), "{:?}", server.startup);
}

/// Starts a command with this limit, as `ulimit` takes it.
#[cfg(unix)]
fn limited(limit: &'static str) -> impl FnOnce(&mut Command) {
    move |command| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\"")]);
        shell.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        *command = shell;
    }
}

#[tokio::test]
async fn one_address_leaves_places_for_others() {
    let server = server(4, 2).await;
    let _streams = [server.connect("").await, server.connect("").await];
    assert_eq!(Client::connect_from(server.address, "", None).await.err(), Some(503));
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = socket.connect(server.address).await.unwrap();
    other.write_all(get("/info").as_bytes()).await.unwrap();
    let mut answer = String::new();
    other.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// A session that answers pings, and sends a frame as often as that; returns the code of its end.
async fn session(server: &TestServer, frames: Option<Duration>) -> JoinHandle<Option<u16>> {
    let (reader, mut writer) = stream(server.address).await.into_split();
    let (pong, frame) = (frame(0x8A, b""), frame(0x82, &image(0)));
    let every = frames.unwrap_or(Duration::from_secs(15));
    tokio::spawn(async move {
        let said = async {
            loop {
                sleep(every).await;
                let message = if frames.is_some() { &frame } else { &pong };
                if writer.write_all(message).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            (_, code) = read_to_close(reader) => code,
            () = said => None,
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_session_without_frames_stays_until_others_need_its_place() {
    let server = server(4, 4).await;
    let streaming = session(&server, Some(Duration::from_secs(50))).await;
    let [first, second] = [session(&server, None).await, session(&server, None).await];
    sleep(Duration::from_secs(600)).await;
    let _newcomer = session(&server, None).await;
    assert!(!first.is_finished() && !second.is_finished(), "there was room");
    let next = session(&server, None).await;
    let code = timeout(PATIENCE, first).await.expect("the first gives way").unwrap();
    assert_eq!(code, Some(1013));
    assert!(!streaming.is_finished() && !second.is_finished() && !next.is_finished());
}

#[tokio::test(start_paused = true)]
async fn sessions_without_frames_lock_no_client_out() {
    let server = server(3, 3).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(session(&server, None).await);
    }
    sleep(Duration::from_secs(50)).await;
    let early = Client::connect_from(server.address, "", None).await;
    assert_eq!(early.err(), Some(503), "they may still be about to send");
    sleep(Duration::from_secs(15)).await;
    // Each newcomer takes the place of a silent session.
    for silent in silent {
        let _newcomer = session(&server, None).await;
        assert_eq!(timeout(PATIENCE, silent).await.unwrap().unwrap(), Some(1013));
    }
}

#[tokio::test(start_paused = true)]
async fn an_enforced_number_of_sessions_is_not_used_up_by_those_without_frames() {
    let mut setup = Setup::colours();
    setup.front.sessions = SessionLimit { recommended: 2, enforced: true };
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let streaming = session(&server, Some(Duration::from_secs(50))).await;
    let silent = session(&server, None).await;
    sleep(Duration::from_secs(65)).await;
    let refused = Client::connect_from(server.address, "", None).await;
    assert_eq!(refused.err(), Some(503));
    assert_eq!(timeout(PATIENCE, silent).await.unwrap().unwrap(), Some(1013));
    let admitted = async {
        while Client::connect_from(server.address, "", None).await.is_err() {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, admitted).await.expect("the next attempt has room");
    assert!(!streaming.is_finished());
}

/// How long the server keeps a connection after `said`.
async fn kept(server: &TestServer, said: &[u8]) -> Duration {
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    connection.write_all(said).await.unwrap();
    let start = Instant::now();
    // The answer, if there is one, and the end.
    let _ = connection.read_to_end(&mut Vec::new()).await;
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn the_head_of_a_request_has_ten_seconds_from_the_start() {
    let server = server(8, 8).await;
    for said in
        [&b""[..], b"GET / HTTP/1.1\r\n", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"]
    {
        let kept = kept(&server, said).await.as_secs();
        assert!((9..=11).contains(&kept), "{kept} s after {said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_no_answers_is_given_up() {
    let server = server(8, 8).await;
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    let requests = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
    let start = Instant::now();
    // Until the server reads no more, and then gives up.
    let given_up = async { while connection.write_all(requests.as_bytes()).await.is_ok() {} };
    timeout(Duration::from_secs(60), given_up).await.expect("the server gives up");
    assert!(start.elapsed() >= Duration::from_secs(9), "{:?}", start.elapsed());
}

#[tokio::test]
async fn only_one_version_of_http_is_spoken() {
    let server = server(8, 8).await;
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let answer = timeout(PATIENCE, request(server.address, preface)).await.unwrap();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    let upgrade = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close, Upgrade, HTTP2-Settings\r\n\
        Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
    let answer = timeout(PATIENCE, request(server.address, upgrade)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn bodies_that_arrive_slowly_keep_no_client_out() {
    let server = server(20, 20).await;
    let mut slow = silent(&server, 8).await;
    for connection in &mut slow {
        let head = "POST /infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n\
            Content-Length: 1000\r\n\r\n\u{7f}";
        connection.write_all(head.as_bytes()).await.unwrap();
    }
    let request = reqwest::Client::new().post(server.url("/infer")).body(image(0));
    let answer = request.header("content-type", "image/jpeg").send().await.unwrap();
    assert_eq!(answer.status(), 200);
}
