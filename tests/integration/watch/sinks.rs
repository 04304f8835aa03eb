//! Webhooks and MQTT brokers that learn of changes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use serde_json::Value;

use super::{Watching, camera, single, single_jpeg};
use crate::support::images::GENERATED;
use crate::support::serving::Process;

/// A camera that sees a QR code.
pub(super) fn code_camera() -> String {
    let jpeg = fs::read(Path::new(GENERATED).join("qr_code.jpg")).unwrap();
    let address = camera(move |_, _| single_jpeg(&jpeg));
    format!("yard=http://{address}/snap.jpg")
}

/// A packet of MQTT 3.1.1: its first byte and the rest; `None` at the end of the connection.
fn packet(connection: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let mut byte = [0];
    connection.read_exact(&mut byte).ok()?;
    let kind = byte[0];
    let (mut length, mut shift) = (0, 0);
    loop {
        connection.read_exact(&mut byte).ok()?;
        length |= usize::from(byte[0] & 127) << shift;
        shift += 7;
        if byte[0] < 128 {
            break;
        }
    }
    let mut rest = vec![0; length];
    connection.read_exact(&mut rest).ok()?;
    Some((kind, rest))
}

/// A connection to a broker.
struct Session {
    connection: TcpStream,
    /// The packet that it began with.
    connect: String,
    /// The messages that it has of others.
    retained: Vec<(&'static str, &'static str)>,
}

impl Session {
    fn accept(listener: &TcpListener) -> Self {
        let (mut connection, _) = listener.accept().unwrap();
        let (kind, connect) = packet(&mut connection).unwrap();
        assert_eq!(kind, 0x10);
        connection.write_all(&[0x20, 2, 0, 0]).unwrap();
        let connect = String::from_utf8_lossy(&connect).into_owned();
        Self { connection, connect, retained: Vec::new() }
    }

    /// Sends a message that is retained.
    fn send(&mut self, topic: &str, payload: &str) {
        let length = u16::try_from(topic.len()).unwrap().to_be_bytes();
        let body = [&length, topic.as_bytes(), payload.as_bytes()].concat();
        let head = [0x31, u8::try_from(body.len()).unwrap()];
        self.connection.write_all(&[&head, body.as_slice()].concat()).unwrap();
    }

    /// The next message that is published, which is acknowledged; `None` after a goodbye. At a subscription sends what
    /// `retained` holds.
    fn next(&mut self) -> Option<(String, String)> {
        loop {
            let (kind, rest) = packet(&mut self.connection)?;
            match kind {
                // A message that is to be retained and acknowledged.
                0x33 => {
                    let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
                    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                    let (topic, id) = (text(&rest[2..2 + length]), &rest[2 + length..4 + length]);
                    self.connection.write_all(&[0x40, 2, id[0], id[1]]).unwrap();
                    return Some((topic, text(&rest[4 + length..])));
                }
                0x82 => {
                    self.connection.write_all(&[0x90, 3, rest[0], rest[1], 0]).unwrap();
                    for (topic, payload) in std::mem::take(&mut self.retained) {
                        self.send(topic, payload);
                    }
                }
                0xA2 => self.connection.write_all(&[0xB0, 2, rest[0], rest[1]]).unwrap(),
                0xC0 => self.connection.write_all(&[0xD0, 0]).unwrap(),
                0xE0 => return None,
                other => panic!("{other:#x}"),
            }
        }
    }

    /// The messages up to the one in which a topic has this payload.
    fn until(&mut self, topic: &str, payload: &str) -> BTreeMap<String, String> {
        let mut retained = BTreeMap::new();
        loop {
            let (found, text) = self.next().unwrap();
            let is_wanted = found == topic && text == payload;
            retained.insert(found, text);
            if is_wanted {
                return retained;
            }
        }
    }
}

#[test]
fn a_broker_knows_what_is_before_a_camera_even_after_it_was_away() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mqtt://me:secret@{}/test", listener.local_addr().unwrap());
    let watching = Watching::start_on("simd", &["--fps", "50", "--mqtt", &url, &code_camera()]);
    let mut broker = Session::accept(&listener);
    for part in ["MQTT", "test/status", "offline", "me", "secret"] {
        assert!(broker.connect.contains(part), "{:?}", broker.connect);
    }
    let retained = broker.until("test/yard/qr_code", "ON");
    assert_eq!(retained["test/status"], "online");
    // The order is the broker's concern: both are there by now.
    let config = &retained["homeassistant/binary_sensor/test_yard_qr_code/config"];
    let config: Value = serde_json::from_str(config).unwrap();
    assert_eq!(
        (&config["name"], &config["state_topic"]),
        (&"qr_code".into(), &"test/yard/qr_code".into())
    );
    // The broker is restarted, and has lost everything.
    drop(broker);
    let mut broker = Session::accept(&listener);
    let retained = broker.until("test/yard/qr_code", "ON");
    for (topic, payload) in [("test/status", "online"), ("test/yard/availability", "online")] {
        assert_eq!(retained[topic], payload);
    }
    let log = thread::spawn(|| watching.interrupt());
    let mut last = BTreeMap::new();
    while let Some((topic, payload)) = broker.next() {
        last.insert(topic, payload);
    }
    let expected = [
        ("test/status", "offline"),
        ("test/yard/availability", "offline"),
        ("test/yard/qr_code", "OFF"),
    ];
    assert_eq!(
        last,
        expected.map(|(topic, payload)| (topic.to_owned(), payload.to_owned())).into()
    );
    let log = log.join().unwrap();
    assert!(log.contains("mqtt_up") && log.contains("mqtt_down"), "{log}");
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn what_a_process_that_died_has_left_at_the_broker_is_put_right() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mqtt://{}/test", listener.local_addr().unwrap());
    let watching = Watching::start_on("simd", &["--fps", "50", "--mqtt", &url, &code_camera()]);
    let mut broker = Session::accept(&listener);
    broker.retained = vec![
        ("test/yard/qr_code", "ON"),
        ("test/yard/aztec", "ON"),
        ("test/yard/temperature", "23"),
        ("test/yard/ean_13", "OFF"),
        ("test/garage/aztec", "ON"),
    ];
    let mut published = Vec::new();
    while published.last() != Some(&("test/yard/aztec".to_owned(), "OFF".to_owned())) {
        published.push(broker.next().unwrap());
    }
    let states = |topic: &str| {
        let of_topic = published.iter().filter(|(found, _)| found == topic);
        of_topic.map(|(_, payload)| payload.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(states("test/yard/availability").last(), Some(&"online"));
    // The code is still there: it does not seem to have left meanwhile.
    assert_eq!(states("test/yard/qr_code"), ["ON"]);
    for foreign in ["test/yard/temperature", "test/yard/ean_13", "test/garage/aztec"] {
        assert!(states(foreign).is_empty(), "{foreign}");
    }
    watching.end();
}

#[test]
fn a_camera_that_has_never_delivered_is_announced() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mqtt://{}/test", listener.local_addr().unwrap());
    let watching = Watching::start(&["--mqtt", &url, "attic=http://127.0.0.1:9/"]);
    let mut broker = Session::accept(&listener);
    let retained = broker.until("test/status", "online");
    let config = &retained["homeassistant/binary_sensor/test_attic_connectivity/config"];
    let config: Value = serde_json::from_str(config).unwrap();
    assert_eq!(config["state_topic"], "test/attic/availability");
    assert_eq!(retained["test/attic/availability"], "offline");
    watching.end();
}

/// Waits for a retained message.
fn expect(messages: &Receiver<(String, String)>, topic: &str, payload: &str) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let (found, text) = messages.recv_timeout(left).expect(topic);
        if found == topic && text == payload {
            return;
        }
    }
}

#[test]
fn a_real_broker_knows_when_the_program_has_died() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("mosquitto");
    command.args(["-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::piped());
    let Ok(mut mosquitto) = command.spawn().or_else(|_| {
        let mut command = Command::new("/usr/sbin/mosquitto");
        command.args(["-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn()
    }) else {
        let required = std::env::var_os("FRAMEGATE_REQUIRE_TEST_DATA");
        assert!(required.is_none_or(|value| value != "1"), "mosquitto is not installed");
        eprintln!("skipped: mosquitto is not installed");
        return;
    };
    let log = BufReader::new(mosquitto.stderr.take().unwrap());
    let _mosquitto = Process(mosquitto);
    let mut lines = log.lines();
    assert!(lines.any(|line| line.unwrap().contains(" running")), "the broker starts");

    let url = format!("mqtt://127.0.0.1:{port}");
    let watching = Watching::start_on("simd", &["--fps", "50", "--mqtt", &url, &code_camera()]);
    let (client, mut events) = Client::new(MqttOptions::new("test", "127.0.0.1", port), 10);
    let (sender, messages) = channel();
    thread::spawn(move || {
        for event in events.iter() {
            match &event {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    client.try_subscribe("framegate/#", QoS::AtLeastOnce).unwrap();
                }
                // The library connects again.
                Err(error) => println!("{error}"),
                Ok(_) => {}
            }
            if let Ok(Event::Incoming(Packet::Publish(publish))) = event {
                let payload = String::from_utf8(publish.payload.to_vec()).unwrap();
                if sender.send((publish.topic, payload)).is_err() {
                    return;
                }
            }
        }
    });
    expect(&messages, "framegate/yard/qr_code", "ON");
    watching.end();
    expect(&messages, "framegate/status", "offline");
    // The next process sees no code.
    let address = camera(|_, _| single(64));
    let url_of_camera = format!("yard=http://{address}/");
    let watching = Watching::start_on("simd", &["--fps", "50", "--mqtt", &url, &url_of_camera]);
    expect(&messages, "framegate/status", "online");
    expect(&messages, "framegate/yard/qr_code", "OFF");
    watching.end();
}

/// A webhook; returns its address, and the bodies that it gets.
pub(super) fn webhook() -> (String, Receiver<Value>) {
    let (sender, bodies) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/seen", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut text = String::new();
            while !text.ends_with('}') {
                let mut buffer = [0; 1024];
                let read = connection.read(&mut buffer).unwrap();
                assert!(read > 0, "a request that has no end: {text}");
                text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
            }
            connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            let body: Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
            if sender.send(body).is_err() {
                return;
            }
        }
    });
    (url, bodies)
}

#[test]
fn a_webhook_learns_of_appearing_and_leaving() {
    let (url, bodies) = webhook();
    let watching = Watching::start_on("simd", &["--fps", "50", "--webhook", &url, &code_camera()]);
    assert_eq!(bodies.recv().unwrap()["event"], "source_up");
    let appeared = bodies.recv().unwrap();
    assert_eq!((&appeared["event"], &appeared["label"]), (&"appear".into(), &"qr_code".into()));
    assert_eq!(appeared["source"], "yard");
    assert!(
        appeared["time"].as_f64().unwrap() > 1.7e9 && appeared["score"].as_f64().unwrap() > 0.2
    );
    watching.interrupt();
    let left = bodies.recv().unwrap();
    assert_eq!((&left["event"], &left["label"]), (&"leave".into(), &"qr_code".into()));
    let ended = bodies.recv().unwrap();
    assert_eq!((&ended["event"], &ended["reason"]), (&"source_down".into(), &"ended".into()));
}
