//! Connects to cameras over TCP.

use std::io;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::CameraError;

/// Longest time for a connection to be made, in which one packet may be lost. An attempt that is under way when the
/// camera comes back is lost: the shorter it is, the sooner the next one.
pub(in crate::watch) const HANDSHAKE_LIMIT: Duration = Duration::from_secs(2);

/// Connects to a host and port.
pub(super) async fn connect(authority: &str) -> Result<TcpStream, CameraError> {
    let unreachable = |source| CameraError::Unreachable { authority: authority.to_owned(), source };
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    // To find the address may take longer, and has nothing to do with the camera.
    for address in lookup_host(authority).await.map_err(unreachable)? {
        failure = match timeout(HANDSHAKE_LIMIT, TcpStream::connect(address)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
    }
    Err(unreachable(failure))
}
