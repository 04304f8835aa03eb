//! Work on files that asynchronous code waits for.

use std::io;

use tokio::task::spawn_blocking;

/// Runs `work`, which may block, on a thread for such work. It goes on even if the wait is given up.
///
/// # Errors
/// That of `work`.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|lost| Err(io::Error::other(lost)))
}
