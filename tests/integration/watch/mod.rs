//! `framegate watch` in front of cameras as they are.

mod files;
mod losses;
pub(crate) mod rtsp;
mod sinks;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use serde_json::Value;

use crate::support::images::plain;
use crate::support::program::{framegate, run};
use crate::support::serving::Server;

/// A camera on a port of its own. `answer` is given the number of the connection, from 0, and the head
/// of the request; the connection is closed after the answer.
fn camera(mut answer: impl FnMut(usize, &str) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (number, connection) in listener.incoming().enumerate() {
            let mut connection = connection.unwrap();
            let head = head(&connection);
            // A client that has found out what it wanted may have gone.
            let _ = connection.write_all(&answer(number, &head));
        }
    });
    address.to_string()
}

pub(crate) fn head(connection: &TcpStream) -> String {
    let mut lines = BufReader::new(connection).lines();
    let mut head = String::new();
    while let Some(Ok(line)) = lines.next()
        && !line.is_empty()
    {
        head += &line;
        head.push('\n');
    }
    head
}

fn jpeg(width: u16) -> Vec<u8> {
    plain(width.into(), 48, [90, 120, 30])
}

/// A stream with everything wrong that cameras get wrong: another boundary, lengths that are not so,
/// zeros after the end, half a frame.
fn sloppy_stream(width: u16, frames: usize) -> Vec<u8> {
    let mut stream =
        b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=x\r\n\r\n".to_vec();
    let jpeg = jpeg(width);
    stream.extend(&jpeg[..jpeg.len() / 2]);
    for _ in 0..frames {
        stream.extend(b"\r\n--y\r\nContent-Type: image/jpeg\r\nContent-Length: 5\r\n\r\n");
        stream.extend(&jpeg);
        stream.extend([0; 7]);
    }
    stream
}

fn single(width: u16) -> Vec<u8> {
    single_jpeg(&jpeg(width))
}

fn single_jpeg(jpeg: &[u8]) -> Vec<u8> {
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n",
        jpeg.len()
    )
    .into_bytes();
    answer.extend(jpeg);
    answer
}

/// The program, which ends with the test.
pub(crate) struct Watching {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Watching {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_on("null", arguments)
    }

    fn start_on(backend: &str, arguments: &[&str]) -> Self {
        Self::spawn(backend, arguments, |_| ())
    }

    /// With a folder of programs in front of the system's own; without any if it is empty.
    fn start_in(programs: &Path, backend: &str, arguments: &[&str]) -> Self {
        let is_empty = programs.read_dir().unwrap().next().is_none();
        let more = if is_empty { "" } else { ":/usr/bin:/bin" };
        let path = format!("{}{more}", programs.display());
        Self::spawn(backend, arguments, |command| {
            command.env("PATH", path);
        })
    }

    fn spawn(backend: &str, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let common = ["watch", "--backend", backend, "--model", "codes"];
        let mut command = framegate(common.iter().chain(arguments).copied());
        change(&mut command);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    pub(crate) fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))
    }

    /// Reads until a result of a frame of this width.
    fn next_of_width(&mut self, width: u16) -> Value {
        loop {
            let line = self.next();
            if line["result"]["width"] == width {
                return line;
            }
        }
    }

    /// Reads its log until a line with this word; returns all that it read.
    fn log_until(self, word: &str) -> String {
        self.log_until_then(word, || ())
    }

    /// The same, and does something before the program ends.
    fn log_until_then(mut self, word: &str, then: impl FnOnce()) -> String {
        let mut lines = BufReader::new(self.process.stderr.take().unwrap());
        let mut log = String::new();
        while !log.contains(word) {
            assert!(lines.read_line(&mut log).unwrap() > 0, "{log}");
        }
        then();
        log
    }

    /// Every line until it ends by itself.
    fn lines_to_the_end(mut self) -> Vec<Value> {
        let mut text = String::new();
        self.lines.read_to_string(&mut text).unwrap();
        assert!(self.process.wait().unwrap().success());
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Lets it end by itself; returns what it logged.
    pub(crate) fn interrupt(mut self) -> String {
        let process = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", "INT", &process]).status();
        assert!(sent.unwrap().success());
        // What it still prints is not waited for.
        std::io::copy(&mut self.lines, &mut std::io::sink()).unwrap();
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }

    /// Ends it; returns what it logged.
    fn end(mut self) -> String {
        self.process.kill().unwrap();
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An address that is free.
fn metrics_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The metrics at an address, as Prometheus reads them.
fn series(address: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    connection.write_all(request).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_camera_that_is_lost_is_found_again() {
    let address = camera(|number, _| sloppy_stream(64 + 16 * number as u16, 3));
    let mut watching = Watching::start(&[&format!("yard=http://{address}/video")]);
    let first = watching.next_of_width(64);
    assert_eq!(first["source"], "yard");
    assert!(first["frame_index"].as_u64() >= Some(1));
    assert!(first["time"].as_f64().unwrap() > 1.7e9);
    assert!(first["timings_ms"]["decode"].is_number(), "{first}");
    let second = watching.next_of_width(80);
    assert!(second["frame_index"].as_u64() > first["frame_index"].as_u64());
    let log = watching.end();
    assert!(log.contains("source_up") && log.contains("source_down"), "{log}");
}

#[test]
fn a_password_reaches_the_camera_alone() {
    const BASIC: &str = "authorization: Basic bWU6c2VjcmV0\n";
    for (challenge, expected) in [
        ("Basic realm=\"cam\"", BASIC),
        ("Digest realm=\"cam\", nonce=\"1\", algorithm=MD5, qop=\"auth\"", "response=\""),
    ] {
        let address = camera(move |_, head| {
            if head.contains(expected) {
                return single(96);
            }
            let head = format!(
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0"
            );
            format!("{head}\r\n\r\n").into_bytes()
        });
        let url = format!("http://me:secret@{address}/snap.jpg?key=secret");
        let mut watching = Watching::start(&["--fps", "50", &url]);
        // One JPEG per request, asked for again and again.
        assert_eq!(watching.next_of_width(96)["source"], "127.0.0.1");
        watching.next_of_width(96);
        let log = watching.end();
        assert!(!log.contains("secret"), "{log}");
    }
}

#[test]
fn sources_that_are_not_cameras_are_refused() {
    let address = camera(|number, _| match number {
        0 => b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n".to_vec(),
        1 => untyped("Content-Type:\r\n", b"<html>"),
        2 => b"HTTP/1.1 302 Found\r\nLocation: /real\r\nContent-Length: 0\r\n\r\n".to_vec(),
        _ => single(64),
    });
    let mut watching = Watching::start(&[&format!("http://{address}/")]);
    watching.next_of_width(64);
    let log = watching.end();
    assert!(log.contains("yields text/html, not JPEG frames"), "{log}");
    assert!(log.contains("yields data of no type, not JPEG frames"), "{log}");
}

/// An answer with this field, or none.
fn untyped(field: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{field}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn a_camera_that_does_not_say_what_it_sends_is_known_by_its_bytes() {
    for field in ["", "Content-Type:\r\n", "Content-Type: application/octet-stream\r\n"] {
        let address = camera(move |number, _| {
            let part = [b"--x\r\n\r\n".to_vec(), jpeg(80), b"\r\n--x\r\n\r\n".to_vec(), jpeg(96)];
            untyped(field, if number == 0 { part.concat() } else { jpeg(112) }.as_slice())
        });
        let mut watching = Watching::start(&["--fps", "50", &format!("Küche=http://{address}/")]);
        // A part of a stream; then one JPEG for each request.
        assert_eq!(watching.next_of_width(80)["source"], "Küche");
        watching.next_of_width(112);
        watching.next_of_width(112);
        watching.end();
    }
}

#[test]
fn a_reader_that_is_too_slow_is_warned_of() {
    let address = camera(|_, _| sloppy_stream(64, 5000));
    let metrics = metrics_address();
    let url = format!("yard=http://{address}/");
    let watching = Watching::start(&["--metrics", &metrics, &url]);
    let unread = "framegate_source_frames_total{source=\"yard\",outcome=\"unread\"}";
    watching.log_until_then("standard output is not read", || {
        let series = series(&metrics);
        assert!(series.contains(unread), "{series}");
    });
}

#[test]
fn metrics_say_which_cameras_are_up() {
    let (open, held) = mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let address = camera(move |number, _| {
        if number > 0 {
            // Nothing more comes, but the connection stays.
            let _ = held.lock().unwrap().recv();
        }
        sloppy_stream(64, 2)
    });
    let metrics = metrics_address();
    let url = format!("yard=http://{address}/");
    let mut watching = Watching::start(&["--metrics", &metrics, &url, "attic=http://127.0.0.1:9/"]);
    watching.next_of_width(64);
    let series = || series(&metrics);
    let line = |answer: &str, start: &str| {
        let found = answer.lines().find(|line| line.starts_with(start)).expect(start);
        found.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()
    };
    // The attic is tried at the same time as the yard, not before it.
    let lost = "framegate_source_reconnects_total{source=\"attic\"}";
    let answer = std::iter::repeat_with(series).find(|answer| line(answer, lost) >= 1.0).unwrap();
    assert!(
        line(&answer, "framegate_source_frames_total{source=\"yard\",outcome=\"result\"}") >= 1.0
    );
    assert_eq!(line(&answer, "framegate_source_up{source=\"attic\"}"), 0.0);
    assert_eq!(line(&answer, "framegate_analyser_up{source=\"attic\"}"), 1.0);
    drop(open);
}

#[test]
fn sources_that_cannot_be_used_are_refused_without_repeating_a_password() {
    for (arguments, words) in [
        (&["https://me:secret@cam/v"][..], &["https is not supported"][..]),
        (&["http://me:secret%@cam/v"], &["%40"]),
        (&["rtsp://me:secret/x@cam/v"], &["the port is not", "%2F"]),
        (&["--mqtt", "mqtt://me:secret#x@host/", "http://cam/a"], &["--mqtt", "%23"]),
        (&["http://cam/a", "http://cam/b"], &["two sources are called cam", "NAME=SOURCE"]),
        (&["--fps", "0", "http://cam/a"], &["--fps 0", "expected a number"]),
        (&["--webhook", "https://me:secret@host/", "http://cam/a"], &["--webhook", "http://"]),
        (&["--mqtt", "mqtts://me:secret@host/", "http://cam/a"], &["--mqtt", "mqtt://"]),
    ] {
        let common = ["watch", "--backend", "null"];
        let ended = run(&mut framegate(common.iter().chain(arguments).copied()));
        ended.assert_refused(2, words);
        assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
    }
}

#[test]
fn a_server_elsewhere_analyses_the_frames_and_is_connected_to_again() {
    let server = Server::start(&["--backend", "null:latency_ms=5"]);
    let port = server.address.port();
    let address = camera(|_, _| single(64));
    let to = format!("ws://{}", server.address);
    let url = format!("yard=http://{address}/");
    let mut watching = Watching::start(&["--fps", "50", "--to", &to, &url]);
    let first = watching.next_of_width(64);
    assert_eq!(first["source"], "yard");
    assert!(first["timings_ms"]["inference"].as_f64().unwrap() >= 5.0, "{first}");
    assert!(first["age_ms"].as_f64().unwrap() >= 5.0, "{first}");
    server.kill();
    let again = Server::start_at(port, &["--backend", "null:latency_ms=5"]);
    let last = first["frame_index"].as_u64().unwrap();
    while watching.next_of_width(64)["frame_index"].as_u64() <= Some(last + 20) {}
    let log = watching.end();
    assert!(log.contains("server_up") && log.contains("server_down"), "{log}");
    drop(again);
}
