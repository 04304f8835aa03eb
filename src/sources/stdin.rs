//! Standard input that can be given up: a thread of its own waits for its bytes.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use crate::stop::StopFlag;

/// Bytes read at a time.
const CHUNK: usize = 64 << 10;
/// Chunks that are read ahead.
const AHEAD: usize = 2;
/// How often it is checked whether to give up.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// A reader that ends when `stop` is set, even if the source sends nothing.
pub(super) struct Interruptible {
    chunks: Receiver<io::Result<Vec<u8>>>,
    current: io::Cursor<Vec<u8>>,
    stop: StopFlag,
}

impl Interruptible {
    pub(super) fn start(
        mut source: impl Read + Send + 'static,
        stop: StopFlag,
    ) -> io::Result<Self> {
        let (sender, chunks) = sync_channel(AHEAD);
        let read = move || {
            loop {
                let mut chunk = vec![0; CHUNK];
                let read = source.read(&mut chunk).map(|bytes| {
                    chunk.truncate(bytes);
                    chunk
                });
                let is_last = read.as_ref().map_or_else(
                    |error| error.kind() != io::ErrorKind::Interrupted,
                    |chunk| chunk.is_empty(),
                );
                if sender.send(read).is_err() || is_last {
                    return;
                }
            }
        };
        thread::Builder::new().name("stdin".to_owned()).spawn(read)?;
        Ok(Self { chunks, current: io::Cursor::default(), stop })
    }
}

impl Read for Interruptible {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.current.read(buffer)? {
                0 if !buffer.is_empty() => {}
                bytes => return Ok(bytes),
            }
            if self.stop.is_set() {
                return Ok(0);
            }
            match self.chunks.recv_timeout(CHECK_INTERVAL) {
                Ok(chunk) => {
                    let chunk = chunk?;
                    if chunk.is_empty() {
                        return Ok(0);
                    }
                    self.current = io::Cursor::new(chunk);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that never sends anything.
    struct Silent(Receiver<()>);

    impl Read for Silent {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(0)
        }
    }

    #[test]
    fn everything_arrives_in_order() {
        let bytes: Vec<u8> = (0..500_000u32).map(|n| (n % 251) as u8).collect();
        let source = io::Cursor::new(bytes.clone());
        let mut read = Vec::new();
        Interruptible::start(source, StopFlag::new()).unwrap().read_to_end(&mut read).unwrap();
        assert!(read == bytes);
    }

    #[test]
    fn a_silent_source_is_given_up() {
        let (_open, never) = sync_channel(0);
        let stop = StopFlag::new();
        stop.set();
        let mut source = Interruptible::start(Silent(never), stop).unwrap();
        assert_eq!(source.read(&mut [0; 10]).unwrap(), 0);
    }
}
