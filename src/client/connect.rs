//! Opens a session.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::failure::SessionFailure;
use super::messages::Message;
use super::target::Target;
use crate::protocol::SessionInfo;

/// Longest time that a server may take to open a session.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait for a greeting: a server that does not know greetings stays silent.
const GREETING_LIMIT: Duration = Duration::from_secs(2);
/// Largest message that a server may send: far larger than any result.
const MAX_MESSAGE_BYTES: usize = 4 << 20;
/// Small, since there may be many sessions and messages from servers are short.
const READ_BUFFER_BYTES: usize = 16 << 10;

/// An open session.
pub(crate) struct Connected<S> {
    pub(crate) socket: WebSocketStream<S>,
    /// The server's greeting, if it sent one.
    pub(crate) greeting: Option<SessionInfo>,
}

pub(crate) async fn connect(target: &Target) -> Result<Connected<TcpStream>, SessionFailure> {
    let authority = &target.authority;
    let opening = async {
        let unreachable = |problem: std::io::Error| SessionFailure::Unreachable {
            authority: authority.clone(),
            problem: problem.to_string(),
        };
        let connection = TcpStream::connect(authority).await.map_err(unreachable)?;
        // A frame must not wait for the acknowledgement of the one before it.
        connection.set_nodelay(true).map_err(unreachable)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        client_async_with_config(&target.url, connection, Some(config))
            .await
            .map_err(SessionFailure::of_handshake)
    };
    let silent = |_| SessionFailure::Silent { authority: authority.clone(), limit: CONNECT_LIMIT };
    let (mut socket, _) = timeout(CONNECT_LIMIT, opening).await.map_err(silent)??;
    let greeting = timeout(GREETING_LIMIT, greeting(&mut socket)).await.unwrap_or(Ok(None))?;
    Ok(Connected { socket, greeting })
}

/// Waits for the server's first message: a greeting, or the reason why it closes the session at once.
async fn greeting(
    socket: &mut WebSocketStream<TcpStream>,
) -> Result<Option<SessionInfo>, SessionFailure> {
    let mut last_error = String::new();
    while let Some(message) = socket.next().await {
        match message.map_err(|error| SessionFailure::of_connection(&error))? {
            Frame::Text(text) => match Message::read(&text)? {
                Message::Greeting(greeting) => return Ok(Some(greeting)),
                Message::Refused { detail, .. } => last_error = detail,
                _ => {
                    return Err(SessionFailure::Protocol(
                        "it answered before the first frame".to_owned(),
                    ));
                }
            },
            Frame::Close(close) => return Err(SessionFailure::of_close(close, last_error)),
            Frame::Binary(_) => return Err(SessionFailure::binary()),
            Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_) => {}
        }
    }
    Err(SessionFailure::Lost("it ended without a close message".to_owned()))
}
