//! Bytes on a socket, to say what no library says.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::client::Client;

/// A WebSocket without a library.
pub(crate) async fn stream(address: SocketAddr) -> TcpStream {
    Client::connect(address, "").await.into_connection()
}

/// A connection from one of the addresses of this machine.
pub(crate) async fn connect_from(from: u8, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, from], 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// A frame of a client, with a mask that changes nothing. `head` is the first byte.
pub(crate) fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = frame_head(head, payload.len());
    frame.extend(payload);
    frame
}

/// The head of a frame whose payload has this many bytes.
pub(crate) fn frame_head(head: u8, bytes: usize) -> Vec<u8> {
    let mut frame = vec![head];
    match bytes {
        0..126 => frame.push(0x80 | bytes as u8),
        126..0x1_0000 => {
            frame.push(0xFE);
            frame.extend((bytes as u16).to_be_bytes());
        }
        _ => {
            frame.push(0xFF);
            frame.extend((bytes as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame
}

/// Frames of a server up to its close: the texts, and the code of the close, if there was one.
pub(crate) async fn read_to_close(
    mut connection: impl AsyncRead + Unpin,
) -> (Vec<String>, Option<u16>) {
    let mut texts = Vec::new();
    loop {
        let mut head = [0; 2];
        if connection.read_exact(&mut head).await.is_err() {
            return (texts, None);
        }
        let length = match head[1] {
            126 => usize::from(connection.read_u16().await.unwrap()),
            127 => connection.read_u64().await.unwrap() as usize,
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        if connection.read_exact(&mut payload).await.is_err() {
            return (texts, None);
        }
        match head[0] {
            0x81 => texts.push(String::from_utf8(payload).unwrap()),
            0x88 => return (texts, Some(u16::from_be_bytes([payload[0], payload[1]]))),
            // Pings and pongs.
            0x89 | 0x8A => {}
            other => panic!("servers never send {other:#x}"),
        }
    }
}

/// Sends a request and reads the answer to the end of the connection.
pub(crate) async fn request(address: SocketAddr, text: &str) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is cut off has no answer.
    let _ = connection.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// A GET that closes the connection.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}
