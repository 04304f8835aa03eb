//! A connection with a camera: requests, passwords, and packets between the answers.

use std::io;
use std::time::Duration;

use axum::http::Uri;
use bytes::BytesMut;
use http_auth::{PasswordClient, PasswordParams};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use super::message::{self, Answer, Message, NotRtsp};
use crate::watch::address::{self, Credentials};
use crate::watch::camera::{CameraError, tcp};

/// How long a camera keeps a session of which it hears nothing, unless it says so.
const SESSION_TIMEOUT: Duration = Duration::from_secs(60);
/// Shortest time between two signs of life.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(5);
/// Bytes read at a time.
const READ_BYTES: usize = 16 << 10;

/// A connection. Its session ends with it.
pub(super) struct Connection {
    socket: TcpStream,
    arrived: BytesMut,
    number: u32,
    credentials: Option<Credentials>,
    /// Answers the camera's demand for a password, once there was one.
    password: Option<PasswordClient>,
    session: Option<RtspSession>,
}

/// A stream that was set up.
struct RtspSession {
    id: String,
    address: String,
    method: &'static str,
    interval: Duration,
    next_sign_of_life: Instant,
}

impl Connection {
    /// Connects to the host of an address.
    pub(super) async fn open(
        uri: &Uri,
        credentials: Option<&Credentials>,
    ) -> Result<Self, CameraError> {
        let authority = address::authority(uri, 554).unwrap_or_default();
        let socket = tcp::connect(&authority).await?;
        Ok(Self {
            socket,
            arrived: BytesMut::new(),
            number: 0,
            credentials: credentials.cloned(),
            password: None,
            session: None,
        })
    }

    /// Sends a request and waits for a good answer, with the password if it is asked for.
    pub(super) async fn ask(
        &mut self,
        method: &'static str,
        address: &str,
        fields: &str,
    ) -> Result<Answer, CameraError> {
        let mut answer = self.ask_once(method, address, fields).await?;
        // It is asked for again when its number has been used up.
        if answer.status == 401 && self.learn(&answer) {
            answer = self.ask_once(method, address, fields).await?;
        }
        match answer.status {
            200..300 => Ok(answer),
            status => Err(CameraError::Status { status, hint: hint(status) }),
        }
    }

    async fn ask_once(
        &mut self,
        method: &'static str,
        address: &str,
        fields: &str,
    ) -> Result<Answer, CameraError> {
        let request = self.request(method, address, fields);
        self.send(request.as_bytes()).await.map_err(lost)?;
        let number = self.number.to_string();
        loop {
            match self.receive().await? {
                Message::Answer(answer) if answer.field("CSeq").is_none_or(|is| is == number) => {
                    return Ok(answer);
                }
                // Packets may come before the answer to PLAY: the first frame begins later.
                _ => {}
            }
        }
    }

    fn request(&mut self, method: &str, address: &str, fields: &str) -> String {
        self.number += 1;
        let (number, agent) = (self.number, concat!("framegate/", env!("CARGO_PKG_VERSION")));
        let mut request = format!(
            "{method} {address} RTSP/1.0\r\nCSeq: {number}\r\nUser-Agent: {agent}\r\n{fields}"
        );
        if let Some(session) = &self.session {
            request += &format!("Session: {}\r\n", session.id);
        }
        if let (Some(password), Some(credentials)) = (&mut self.password, &self.credentials) {
            let Credentials { user, password: secret } = credentials;
            let asked = PasswordParams {
                username: user,
                password: secret,
                uri: address,
                method,
                body: Some(&[]),
            };
            if let Ok(authorization) = password.respond(&asked) {
                request += &format!("Authorization: {authorization}\r\n");
            }
        }
        request + "\r\n"
    }

    /// Whether the camera asks for a password that there is.
    fn learn(&mut self, answer: &Answer) -> bool {
        let mut builder = PasswordClient::builder();
        for challenge in answer.all_fields("WWW-Authenticate") {
            builder = builder.challenges(challenge);
        }
        self.password = builder.build().ok();
        self.password.is_some() && self.credentials.is_some()
    }

    /// The session that an answer to SETUP begins. Life is shown with OPTIONS or, if the camera knows that, with
    /// GET_PARAMETER, at this address.
    pub(super) fn begin_session(
        &mut self,
        setup: &Answer,
        address: &str,
        knows_get_parameter: bool,
    ) -> Result<(), CameraError> {
        let missing = || CameraError::Rtsp("the camera opens no session");
        let mut parts = setup.field("Session").ok_or_else(missing)?.split(';');
        let id = parts.next().unwrap_or_default().trim().to_owned();
        let timeout = parts.find_map(|part| part.trim().strip_prefix("timeout=")?.parse().ok());
        let timeout = timeout.map_or(SESSION_TIMEOUT, Duration::from_secs);
        let interval = (timeout / 2).clamp(SHORTEST_INTERVAL, SESSION_TIMEOUT / 2);
        self.session = Some(RtspSession {
            id,
            address: address.to_owned(),
            method: if knows_get_parameter { "GET_PARAMETER" } else { "OPTIONS" },
            interval,
            next_sign_of_life: Instant::now() + interval,
        });
        Ok(())
    }

    /// The next packet of a channel. Shows the camera signs of life meanwhile.
    pub(super) async fn packet(&mut self, wanted: u8) -> Result<BytesMut, CameraError> {
        loop {
            let due = self.session.as_ref().map(|session| session.next_sign_of_life);
            let message = tokio::select! {
                message = self.receive() => message?,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.show_life().await.map_err(lost)?;
                    continue;
                }
            };
            match message {
                Message::Packet { channel, bytes } if channel == wanted => return Ok(bytes),
                // The next sign of life answers this demand.
                Message::Answer(answer) if answer.status == 401 => {
                    self.learn(&answer);
                }
                _ => {}
            }
        }
    }

    async fn show_life(&mut self) -> io::Result<()> {
        let Some(session) = &mut self.session else { return Ok(()) };
        session.next_sign_of_life = Instant::now() + session.interval;
        let (method, address) = (session.method, session.address.clone());
        let request = self.request(method, &address, "");
        self.send(request.as_bytes()).await
    }

    /// The next message. The wait can be cancelled and started again at any time.
    async fn receive(&mut self) -> Result<Message, CameraError> {
        loop {
            let taken = message::take(&mut self.arrived);
            if let Some(message) = taken.map_err(|NotRtsp(what)| CameraError::Rtsp(what))? {
                return Ok(message);
            }
            self.socket.readable().await.map_err(lost)?;
            let mut bytes = [0; READ_BYTES];
            match self.socket.try_read(&mut bytes) {
                Ok(0) => return Err(CameraError::Ended),
                Ok(read) => self.arrived.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(lost(error)),
            }
        }
    }

    async fn send(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.socket.writable().await?;
            match self.socket.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Drop for Connection {
    /// Ends the session, since a camera may have room for few.
    fn drop(&mut self) {
        if let Some(address) = self.session.as_ref().map(|session| session.address.clone()) {
            let request = self.request("TEARDOWN", &address, "");
            // If it does not fit, the end of the connection says the same.
            let _ = self.socket.try_write(request.as_bytes());
        }
    }
}

fn lost(error: io::Error) -> CameraError {
    CameraError::Lost(error)
}

fn hint(status: u16) -> &'static str {
    match status {
        401 => ": give the right user and password, rtsp://USER:PASSWORD@HOST/…",
        404 => ": the path is wrong; see the camera's manual",
        461 => ": it does not send over TCP",
        _ => "",
    }
}
