//! An RTSP camera on a port of its own, which plays what a test scripts.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use http_auth::{PasswordClient, PasswordParams};

use super::packets;

/// The codec that a camera announces.
#[derive(Clone, Copy)]
pub(crate) enum Announced {
    H264,
    Jpeg,
    H265,
}

/// User and password of cameras that ask for them. The password needs an escape in an address.
pub(super) const USER: (&str, &str) = ("me", "se@cret");

const CHALLENGE: &str = "Digest realm=\"camera\", nonce=\"0123456789\", algorithm=MD5";

/// A connection that plays.
pub(crate) struct Player<'a> {
    connection: &'a TcpStream,
    sequence: u16,
    time: u32,
    is_heard: bool,
}

impl Player<'_> {
    /// Whether the client was there when the last packet was sent.
    pub(crate) fn is_heard(&self) -> bool {
        self.is_heard
    }

    /// Sends an access unit, a byte stream with start codes.
    pub(super) fn h264(&mut self, access_unit: &[u8]) {
        self.send(&packets::h264(access_unit), 96);
    }

    /// Sends a JPEG.
    pub(crate) fn jpeg(&mut self, jpeg: &[u8]) {
        self.send(&packets::jpeg(jpeg), 26);
    }

    fn send(&mut self, payloads: &[Vec<u8>], kind: u8) {
        for (number, payload) in payloads.iter().enumerate() {
            let is_last = number + 1 == payloads.len();
            let mut packet = vec![0x80, u8::from(is_last) << 7 | kind];
            packet.extend(self.sequence.to_be_bytes());
            packet.extend(self.time.to_be_bytes());
            packet.extend(7u32.to_be_bytes());
            packet.extend(payload);
            let length = u16::try_from(packet.len()).unwrap();
            let head = [&[b'$', 0][..], &length.to_be_bytes()].concat();
            // Most tests notice a client that has gone when they look for its result.
            self.is_heard &= self.connection.write_all(&[head, packet].concat()).is_ok();
            self.sequence = self.sequence.wrapping_add(1);
        }
        self.time += 3600;
    }
}

/// A camera. `announced` and `play` are given the number of the connection that plays, from 0; the connection is
/// closed when `play` returns. Returns the address.
pub(crate) fn camera(
    asks_for_password: bool,
    announced: impl Fn(usize) -> Announced + Send + 'static,
    play: impl Fn(usize, &mut Player<'_>) + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let base = format!("rtsp://{address}/video");
    thread::spawn(move || {
        let mut number = 0;
        for connection in listener.incoming() {
            let connection = connection.unwrap();
            let camera = Camera { base: &base, asks_for_password, announced: announced(number) };
            if camera.serve(&connection) {
                play(
                    number,
                    &mut Player { connection: &connection, sequence: 1, time: 0, is_heard: true },
                );
                number += 1;
            }
        }
    });
    address
}

struct Camera<'a> {
    base: &'a str,
    asks_for_password: bool,
    announced: Announced,
}

impl Camera<'_> {
    /// Answers requests until the one to play; `false` if the client goes before that.
    fn serve(&self, mut connection: &TcpStream) -> bool {
        let mut lines = BufReader::new(connection).lines();
        loop {
            let mut head = Vec::new();
            while let Some(Ok(line)) = lines.next()
                && !line.is_empty()
            {
                head.push(line);
            }
            let Some((first, fields)) = head.split_first() else { return false };
            let field = |name: &str| {
                let is = |line: &&String| line.to_lowercase().starts_with(&name.to_lowercase());
                fields.iter().find(is).map(|line| line[name.len()..].trim().to_owned())
            };
            let mut words = first.split(' ');
            let (method, uri) = (words.next().unwrap(), words.next().unwrap());
            let number = field("CSeq:").unwrap();
            let answer = if self.asks_for_password
                && field("Authorization:") != authorization(method, uri)
            {
                format!(
                    "401 Unauthorized\r\nCSeq: {number}\r\nWWW-Authenticate: {CHALLENGE}\r\n\r\n"
                )
            } else {
                let (more, body) = self.answer(method);
                let length = body.len();
                format!("200 OK\r\nCSeq: {number}\r\n{more}Content-Length: {length}\r\n\r\n{body}")
            };
            if connection.write_all(format!("RTSP/1.0 {answer}").as_bytes()).is_err() {
                return false;
            }
            if method == "PLAY" && answer.starts_with("200") {
                return true;
            }
        }
    }

    fn answer(&self, method: &str) -> (String, String) {
        let base = self.base;
        match method {
            "DESCRIBE" => {
                let codec = match self.announced {
                    Announced::H264 => {
                        "96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1"
                    }
                    Announced::Jpeg => "26",
                    Announced::H265 => "96\r\na=rtpmap:96 H265/90000",
                };
                let body = format!(
                    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\na=control:*\r\n\
                     m=audio 0 RTP/AVP 0\r\na=control:sound\r\n\
                     m=video 0 RTP/AVP {codec}\r\na=control:video\r\n"
                );
                let head = format!("Content-Base: {base}/\r\nContent-Type: application/sdp\r\n");
                (head, body)
            }
            "SETUP" => {
                let head = "Session: 12345678;timeout=60\r\n\
                    Transport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=00000007\r\n";
                (head.to_owned(), String::new())
            }
            "PLAY" => {
                let info = format!("RTP-Info: url={base}/video;seq=1;rtptime=0\r\n");
                (format!("Session: 12345678\r\n{info}"), String::new())
            }
            _ => (String::new(), String::new()),
        }
    }
}

/// The header that a client with the password sends.
fn authorization(method: &str, uri: &str) -> Option<String> {
    let mut client = PasswordClient::builder().challenges(CHALLENGE).build().unwrap();
    let (username, password) = USER;
    let asked = PasswordParams { username, password, uri, method, body: Some(&[]) };
    Some(client.respond(&asked).unwrap())
}
