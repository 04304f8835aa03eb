//! A connection's bytes: counted as they arrive, and given up when the client takes nothing of what is written.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::link::Link;

/// Longest time for which a client may take less than [`LEAST_TAKEN`] of what is written.
pub(super) const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// Bytes of which less is hardly anything.
const LEAST_TAKEN: usize = 4 << 10;

/// A stream that shows what comes next without taking it.
pub(super) trait Peek {
    /// Bytes that are there to be read; 0 at the end of the input.
    fn poll_peek(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>>;
}

impl Peek for TcpStream {
    fn poll_peek(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        Self::poll_peek(self, context, buffer)
    }
}

/// A stream with the limits of its connection.
pub(super) struct Guarded<S> {
    stream: S,
    link: Arc<Link>,
    held_up: Option<HeldUp>,
}

/// Since when the client has not taken all there was, and how much it has taken.
struct HeldUp {
    limit: Pin<Box<Sleep>>,
    taken: usize,
}

impl<S> Guarded<S> {
    pub(super) fn new(stream: S, link: Arc<Link>) -> Self {
        Self { stream, link, held_up: None }
    }

    /// Gives a client up that takes hardly anything of `offered` bytes.
    fn watch(
        &mut self,
        context: &mut Context<'_>,
        offered: usize,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = written {
            let taken = *result.as_ref().unwrap_or(&offered);
            let is_enough = match &mut self.held_up {
                Some(held_up) => {
                    held_up.taken += taken;
                    held_up.taken >= LEAST_TAKEN
                }
                None => true,
            };
            if is_enough || taken == offered {
                self.held_up = None;
            }
            return Poll::Ready(result);
        }
        let begin = || HeldUp { limit: Box::pin(sleep(WRITE_LIMIT)), taken: 0 };
        let held_up = self.held_up.get_or_insert_with(begin);
        ready!(held_up.limit.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.link.meter().poll_room(context));
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        if read == 0 && buffer.remaining() > 0 && self.link.is_stream() {
            // The WebSocket library would send nothing any more, so the session learns it another way.
            self.link.end_input();
            return Poll::Pending;
        }
        if read > 0 {
            self.link.meter().read(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Peek> Guarded<S> {
    /// Notes the end of a request's input. The HTTP library does not look for it while it waits for an answer.
    fn watch_input(&self, context: &mut Context<'_>) {
        if self.link.is_stream() {
            return;
        }
        let mut byte = [0];
        let peeked = self.stream.poll_peek(context, &mut ReadBuf::new(&mut byte));
        if matches!(peeked, Poll::Ready(Ok(0) | Err(_))) {
            self.link.end_request_input();
        }
    }
}

impl<S: AsyncWrite + Peek + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, bytes.len(), written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        let offered = slices.iter().map(|slice| slice.len()).sum();
        self.watch(context, offered, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watch_input(context);
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::Instant;

    use super::*;

    impl Peek for DuplexStream {
        fn poll_peek(&self, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (_client, server) = duplex(10);
        let mut server = Guarded::new(server, Link::alone());
        let start = Instant::now();
        let error = server.write_all(&[0; 100]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), WRITE_LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_hardly_anything_is_given_up_and_one_that_takes_little_is_not() {
        for (piece, is_given_up) in [(1, true), (LEAST_TAKEN / 4, true), (LEAST_TAKEN, false)] {
            let (mut client, server) = duplex(LEAST_TAKEN);
            let mut server = Guarded::new(server, Link::alone());
            let answer = vec![0; 10 * LEAST_TAKEN];
            let writing = tokio::spawn(async move { server.write_all(&answer).await });
            let mut read = vec![0; piece];
            while client.read_exact(&mut read).await.is_ok() {
                tokio::time::sleep(WRITE_LIMIT - Duration::from_secs(1)).await;
            }
            let written = writing.await.unwrap();
            assert_eq!(written.is_err(), is_given_up, "{piece}: {written:?}");
        }
    }

    #[tokio::test]
    async fn the_end_of_a_streams_input_is_told_apart() {
        let (client, server) = duplex(10);
        let link = Link::alone();
        link.begin_stream();
        let mut server = Guarded::new(server, Arc::clone(&link));
        drop(client);
        let mut byte = [0];
        tokio::select! {
            read = server.read(&mut byte) => panic!("{read:?}"),
            () = link.input_ended() => {}
        }
    }
}
