//! Writes log lines without ever waiting for their reader. While standard error takes nothing, a bounded
//! number of lines waits; further ones are lost, and counted.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait.
const WAITING: usize = 1024;
/// Longest line that is kept whole, in bytes.
const LINE_BYTES: usize = 16 << 10;
/// How long to wait between two attempts to add the last message.
const RETRY: Duration = Duration::from_millis(10);

/// A writer that never waits; each write is a line.
#[derive(Debug, Clone)]
pub(super) struct LossyWriter {
    lines: SyncSender<Line>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Line {
    Text(Vec<u8>),
    /// Everything before this has been written when it is dropped.
    End(SyncSender<()>),
}

impl LossyWriter {
    /// Starts a thread that writes to `out`. It calls `report` with the number of lines that were lost, once
    /// there is room again.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        report: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let (lines, waiting) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Self { lines, lost: Arc::clone(&lost) };
        let write = move || write(out, &waiting, &lost, &report);
        thread::Builder::new().name("log".to_owned()).spawn(write)?;
        Ok(writer)
    }

    /// Waits until every line so far has been written, but no longer than `limit`.
    pub(super) fn flush(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let (end, written) = sync_channel(0);
        while self.lines.try_send(Line::End(end.clone())).is_err() {
            if Instant::now() >= deadline {
                return;
            }
            thread::sleep(RETRY);
        }
        drop(end);
        // Disconnected: the end was reached.
        let _ = written.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}

fn write(mut out: impl Write, waiting: &Receiver<Line>, lost: &AtomicU64, report: &impl Fn(u64)) {
    while let Ok(line) = waiting.recv() {
        match line {
            // There is nowhere to say that this fails.
            Line::Text(text) => drop(out.write_all(&text)),
            Line::End(end) => drop(end),
        }
        match lost.swap(0, Ordering::Relaxed) {
            0 => {}
            lines => report(lines),
        }
    }
}

impl Write for LossyWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let kept = &line[..line.len().min(LINE_BYTES)];
        if self.lines.try_send(Line::Text(kept.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LossyWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc;

    use super::*;

    /// A pipe that takes a line whenever the test allows it.
    struct Pipe {
        allowed: mpsc::Receiver<()>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Pipe {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            // When the test has ended, everything is allowed.
            let _ = self.allowed.recv();
            self.taken.lock().unwrap().extend_from_slice(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_unread_pipe_blocks_nothing_and_losses_are_reported() {
        let (allow, allowed) = sync_channel(0);
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (report, reported) = sync_channel(10);
        let pipe = Pipe { allowed, taken: Arc::clone(&taken) };
        let mut log = LossyWriter::start(pipe, move |lines| report.send(lines).unwrap()).unwrap();
        for line in 0..WAITING + 100 {
            log.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
        log.flush(Duration::ZERO);
        drop(allow);
        // One line had been taken out to be written, or none yet.
        let lost = reported.recv().unwrap();
        assert!((99..=100).contains(&lost), "{lost}");
        log.flush(Duration::from_secs(60));
        let taken = taken.lock().unwrap();
        assert_eq!(
            taken.split(|byte| *byte == b'\n').count() as u64,
            WAITING as u64 + 100 - lost + 1
        );
    }
}
