//! The client's side of a WebSocket without its socket: bytes from the server in, messages out, and the other way
//! round. Python has the socket, with TLS as it is set up there.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyConnectionError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tungstenite::client::client_with_config;
use tungstenite::handshake::MidHandshake;
use tungstenite::handshake::client::{ClientHandshake, Response};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, HandshakeError, Message};

/// A socket for the library: bytes that were received and not read yet, and bytes to send.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Buffers>>);

#[derive(Default)]
struct Buffers {
    received: Vec<u8>,
    read: usize,
    to_send: Vec<u8>,
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, Buffers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Pipe {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut buffers = self.lock();
        let waiting = &buffers.received[buffers.read..];
        if waiting.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let length = waiting.len().min(out.len());
        out[..length].copy_from_slice(&waiting[..length]);
        buffers.read += length;
        if buffers.read == buffers.received.len() {
            buffers.received.clear();
            buffers.read = 0;
        }
        Ok(length)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().to_send.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum State {
    Handshake(MidHandshake<ClientHandshake<Pipe>>),
    Open(Box<tungstenite::WebSocket<Pipe>>),
    /// Refused, lost or closed.
    Ended,
}

/// A connection, from the handshake to the close.
#[pyclass(module = "framegate._native")]
pub(crate) struct WebSocket {
    pipe: Pipe,
    state: State,
    /// Status and body of an answer that refuses the connection.
    #[pyo3(get)]
    refusal: Option<(u16, String)>,
    /// Code and reason of the server's close, 1005 if it gave none.
    #[pyo3(get)]
    closed: Option<(u16, String)>,
}

#[pymethods]
impl WebSocket {
    /// Begins the handshake for an address with `ws:` or `wss:`.
    #[new]
    fn new(url: &str) -> PyResult<Self> {
        let pipe = Pipe::default();
        let mut socket =
            Self { pipe: pipe.clone(), state: State::Ended, refusal: None, closed: None };
        match client_with_config(url, pipe, None) {
            Err(HandshakeError::Interrupted(handshake)) => {
                socket.state = State::Handshake(handshake)
            }
            Err(HandshakeError::Failure(error)) => {
                return Err(PyValueError::new_err(error.to_string()));
            }
            Ok(_) => {
                return Err(PyConnectionError::new_err("the server answered before it was asked"));
            }
        }
        Ok(socket)
    }

    /// Whether messages may be sent.
    #[getter]
    fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Takes the bytes that are to be sent out.
    fn take_outgoing<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &std::mem::take(&mut self.pipe.lock().to_send))
    }

    /// Takes bytes from the server, and returns the texts that are complete.
    fn receive(&mut self, bytes: &[u8]) -> PyResult<Vec<String>> {
        self.pipe.lock().received.extend_from_slice(bytes);
        self.continue_handshake()?;
        let mut texts = Vec::new();
        while let State::Open(socket) = &mut self.state {
            match socket.read() {
                Ok(Message::Text(text)) => texts.push(text.as_str().to_owned()),
                // The answers to pings and closes are written by the library.
                Ok(Message::Close(frame)) => self.closed = Some(close_of(frame)),
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => self.state = State::Ended,
                Err(error) => {
                    self.state = State::Ended;
                    return Err(PyConnectionError::new_err(error.to_string()));
                }
            }
        }
        if let State::Open(socket) = &mut self.state {
            let _unsent = socket.flush();
        }
        Ok(texts)
    }

    /// Sends a binary message.
    fn send(&mut self, message: &[u8]) -> PyResult<()> {
        self.write(Message::binary(message.to_vec()))
    }

    /// Sends a text message.
    fn send_text(&mut self, message: &str) -> PyResult<()> {
        self.write(Message::text(message))
    }

    /// Says goodbye, with 1000 for a clean one. Nothing can be sent after that.
    fn close(&mut self, code: u16) {
        if let State::Open(socket) = &mut self.state {
            let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
            let _already_closed = socket.close(Some(frame));
            let _unsent = socket.flush();
        }
    }
}

impl WebSocket {
    fn write(&mut self, message: Message) -> PyResult<()> {
        let State::Open(socket) = &mut self.state else {
            return Err(PyConnectionError::new_err("the connection is not open"));
        };
        let sent = socket.write(message).and_then(|()| socket.flush());
        sent.map_err(|error| PyConnectionError::new_err(error.to_string()))
    }

    fn continue_handshake(&mut self) -> PyResult<()> {
        let handshake = match std::mem::replace(&mut self.state, State::Ended) {
            State::Handshake(handshake) => handshake,
            other => {
                self.state = other;
                return Ok(());
            }
        };
        match handshake.handshake() {
            Ok((socket, _)) => self.state = State::Open(Box::new(socket)),
            Err(HandshakeError::Interrupted(handshake)) => self.state = State::Handshake(handshake),
            Err(HandshakeError::Failure(Error::Http(response))) => {
                self.refusal = Some(refusal(&response))
            }
            Err(HandshakeError::Failure(error)) => {
                return Err(PyConnectionError::new_err(error.to_string()));
            }
        }
        Ok(())
    }
}

fn refusal(response: &Response) -> (u16, String) {
    let body = response.body().as_deref().unwrap_or_default();
    (response.status().as_u16(), String::from_utf8_lossy(body).trim().to_owned())
}

fn close_of(frame: Option<CloseFrame>) -> (u16, String) {
    match frame {
        Some(frame) => (frame.code.into(), frame.reason.as_str().to_owned()),
        None => (CloseCode::Status.into(), String::new()),
    }
}
