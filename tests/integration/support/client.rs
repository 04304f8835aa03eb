//! A WebSocket client that accepts only messages of the protocol.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use framegate::protocol::ServerMessage;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
/// The half of a client that sends.
pub(crate) type ClientSink = SplitSink<Socket, Message>;
/// The half of a client that receives.
pub(crate) type ClientStream = SplitStream<Socket>;

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    socket: Socket,
}

/// Something that a server sends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    Message(Value),
    /// A close with its code; none if the connection broke.
    Closed(Option<u16>),
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, query: &str) -> Self {
        Self::connect_from(address, query, None).await.unwrap()
    }

    /// Connects as a browser does for a page of this origin; fails with the HTTP status if the server
    /// refuses.
    pub(crate) async fn connect_from(
        address: SocketAddr,
        query: &str,
        origin: Option<&str>,
    ) -> Result<Self, u16> {
        let url = format!("ws://{address}/ws/video/stream?{query}");
        let mut request = url.into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", HeaderValue::from_str(origin).unwrap());
            let agent = HeaderValue::from_static("Mozilla/5.0 (X11; Linux x86_64)");
            request.headers_mut().insert("user-agent", agent);
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                Err(response.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn send(&mut self, frame: impl Into<Bytes>) {
        self.send_message(Message::Binary(frame.into())).await;
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// The next thing that the server sends.
    pub(crate) async fn hear(&mut self) -> Said {
        loop {
            let next =
                timeout(PATIENCE, self.socket.next()).await.expect("the server sends something");
            if let Some(said) = said(next) {
                return said;
            }
        }
    }

    /// The next thing that the server sends, which must be a message.
    pub(crate) async fn hear_message(&mut self) -> Value {
        match self.hear().await {
            Said::Message(message) => message,
            Said::Closed(code) => panic!("closed with {code:?}"),
        }
    }

    /// Sends a frame and waits for the server's reply.
    pub(crate) async fn ask(&mut self, frame: impl Into<Bytes>) -> Value {
        self.send(frame).await;
        self.hear_message().await
    }

    pub(crate) fn split(self) -> (ClientSink, ClientStream) {
        self.socket.split()
    }

    /// The underlying connection, to misuse it.
    pub(crate) fn into_connection(self) -> TcpStream {
        match self.socket.into_inner() {
            MaybeTlsStream::Plain(connection) => connection,
            _ => unreachable!("tests do not use encryption"),
        }
    }
}

/// The message or close that was received; `None` for pings. Panics unless a message is of the protocol,
/// to the letter.
pub(crate) fn said(
    next: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
) -> Option<Said> {
    Some(match next {
        Some(Ok(Message::Text(text))) => {
            let value: Value = serde_json::from_str(&text).unwrap();
            let message: ServerMessage = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{error}, in the message {text}"));
            assert_eq!(serde_json::to_value(message).unwrap(), value, "{text}");
            Said::Message(value)
        }
        Some(Ok(Message::Close(frame))) => Said::Closed(frame.map(|frame| frame.code.into())),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => return None,
        Some(Ok(other)) => panic!("servers never send {other:?}"),
        Some(Err(_)) | None => Said::Closed(None),
    })
}
