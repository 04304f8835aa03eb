//! The frames that ffmpeg writes. A thread reads them, one ahead of their use, so that the wait for the next can end.

use std::io::{self, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::image::YuvImage;
use crate::y4m::Header;

/// The frames of a running ffmpeg.
pub(super) struct Output {
    pieces: Receiver<io::Result<Piece>>,
}

enum Piece {
    Header(Header),
    Frame(YuvImage),
}

/// The outcome of a wait.
pub(super) enum Waited<T> {
    Came(T),
    /// There is no more.
    Ended,
    /// Something else came.
    Broken,
    /// Nothing came in time.
    Stalled,
}

impl Output {
    /// Begins to read; frames of more than this many pixels are not.
    pub(super) fn read(output: impl Read + Send + 'static, most_pixels: u64) -> io::Result<Self> {
        let (sender, pieces) = sync_channel(1);
        let read = move || {
            let output = BufReader::with_capacity(1 << 16, output);
            if let Err(error) = pass_on(output, most_pixels, &sender) {
                // If this fails, its reader has gone.
                let _ = sender.send(Err(error));
            }
        };
        thread::Builder::new().name("ffmpeg-output".to_owned()).spawn(read)?;
        Ok(Self { pieces })
    }

    /// Waits for the size of the frames, for at most this long.
    pub(super) fn header(&self, limit: Duration) -> Waited<Header> {
        match self.next(limit) {
            Waited::Came(Piece::Header(header)) => Waited::Came(header),
            Waited::Came(Piece::Frame(_)) | Waited::Broken => Waited::Broken,
            Waited::Ended => Waited::Ended,
            Waited::Stalled => Waited::Stalled,
        }
    }

    /// Waits for the next frame, for at most this long.
    pub(super) fn frame(&self, limit: Duration) -> Waited<YuvImage> {
        match self.next(limit) {
            Waited::Came(Piece::Frame(image)) => Waited::Came(image),
            Waited::Came(Piece::Header(_)) | Waited::Broken => Waited::Broken,
            Waited::Ended => Waited::Ended,
            Waited::Stalled => Waited::Stalled,
        }
    }

    fn next(&self, limit: Duration) -> Waited<Piece> {
        match self.pieces.recv_timeout(limit) {
            Ok(Ok(piece)) => Waited::Came(piece),
            Ok(Err(_)) => Waited::Broken,
            Err(RecvTimeoutError::Disconnected) => Waited::Ended,
            Err(RecvTimeoutError::Timeout) => Waited::Stalled,
        }
    }
}

fn pass_on(
    mut output: BufReader<impl Read>,
    most_pixels: u64,
    pieces: &SyncSender<io::Result<Piece>>,
) -> io::Result<()> {
    let Some(header) = Header::read(&mut output)? else { return Ok(()) };
    if pieces.send(Ok(Piece::Header(header))).is_err() || header.pixels() > most_pixels {
        return Ok(());
    }
    while let Some(image) = header.read_frame(&mut output)? {
        if pieces.send(Ok(Piece::Frame(image))).is_err() {
            break;
        }
    }
    Ok(())
}
