//! Where a runner lives: in its own process, or, in tests, in this one.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use framegate_backend_api::Backend;
use serde::Serialize;

use super::messages::{Answer, Ready, Request};
use super::{BenchError, Runner, RunnerConfig};
use crate::error_chain::error_chain;

/// The worker of one case.
pub struct Worker {
    config: RunnerConfig,
    ready: Ready,
    kind: WorkerKind,
}

enum WorkerKind {
    Process(Process),
    Here(Box<Runner>),
}

impl Worker {
    /// Starts a process for the case: `program` must answer requests on standard input by lines on
    /// standard output, as [`serve`] does.
    ///
    /// # Errors
    /// [`BenchError`] when the process does not start or cannot load the case.
    pub fn start(config: RunnerConfig, program: &mut Command) -> Result<Self, BenchError> {
        let case = config.case.to_string();
        let mut process = Process::start(program, &config)
            .map_err(|problem| BenchError::Process { case: case.clone(), problem })?;
        match process.read() {
            Ok(Answer::Ready(ready)) => {
                Ok(Self { config, ready, kind: WorkerKind::Process(process) })
            }
            Ok(other) => Err(other.unexpected(&case)),
            Err(problem) => Err(BenchError::Process { case, problem }),
        }
    }

    /// A worker in this process.
    ///
    /// # Errors
    /// [`BenchError::Case`] when the model cannot be loaded on `backend`.
    pub fn here(config: RunnerConfig, backend: &dyn Backend) -> Result<Self, BenchError> {
        let runner = Runner::load(&config, backend)
            .map_err(|error| BenchError::runner(&config.case, &error))?;
        Ok(Self { config, ready: runner.ready(), kind: WorkerKind::Here(Box::new(runner)) })
    }

    /// Name of the case.
    pub(super) fn name(&self) -> String {
        self.config.case.to_string()
    }

    pub(super) fn config(&self) -> &RunnerConfig {
        &self.config
    }

    pub(super) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// [`BenchError::Process`] when the process is gone.
    pub(super) fn ask(&mut self, request: Request) -> Result<Answer, BenchError> {
        match &mut self.kind {
            WorkerKind::Here(runner) => Ok(runner.answer(request)),
            WorkerKind::Process(process) => {
                process.write(&request).and_then(|()| process.read()).map_err(|problem| {
                    BenchError::Process { case: self.config.case.to_string(), problem }
                })
            }
        }
    }
}

/// A process that exchanges lines with this one. Its failures are texts, as they end up in a report.
struct Process {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    fn start(program: &mut Command, config: &RunnerConfig) -> Result<Self, String> {
        let piped = program.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().map_err(|error| error.to_string())?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both are piped");
        };
        let mut process = Self { child, requests, answers: BufReader::new(answers) };
        process.write(config)?;
        Ok(process)
    }

    fn write(&mut self, message: &impl Serialize) -> Result<(), String> {
        let line = serde_json::to_string(message).map_err(|error| error.to_string())?;
        writeln!(self.requests, "{line}").map_err(|error| self.ended(&error))
    }

    fn read(&mut self) -> Result<Answer, String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(1..) => serde_json::from_str(&line).map_err(|error| error.to_string()),
            Ok(0) => Err(self.ended(&"its output has ended")),
            Err(error) => Err(self.ended(&error)),
        }
    }

    /// Ends a process that cannot be reached any more, and says how it ended.
    fn ended(&mut self, problem: &dyn Display) -> String {
        let _ = self.child.kill();
        match self.child.wait() {
            Ok(status) => format!("{problem}; {status}"),
            Err(error) => format!("{problem}; {error}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its work is of no more use, and if it hangs it must not hang this process.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves as a worker process: reads its configuration from `requests`, loads the case on the backend that
/// `create` returns, and answers every request until there are no more.
///
/// # Errors
/// When `requests` cannot be read or `answers` cannot be written.
pub fn serve<E: Error + 'static>(
    requests: impl BufRead,
    answers: impl Write,
    create: impl FnOnce(&RunnerConfig) -> Result<Box<dyn Backend>, E>,
) -> io::Result<()> {
    let mut answers = BufWriter::new(answers);
    let mut send = |answer: &Answer| -> io::Result<()> {
        serde_json::to_writer(&mut answers, answer)?;
        answers.write_all(b"\n")?;
        answers.flush()
    };
    let mut lines = requests.lines();
    let Some(config) = lines.next() else { return Ok(()) };
    let config: RunnerConfig = serde_json::from_str(&config?)?;
    let loaded = create(&config).map_err(|error| error_chain(&error)).and_then(|backend| {
        Runner::load(&config, backend.as_ref()).map_err(|error| error_chain(&error))
    });
    let mut runner = match loaded {
        Ok(runner) => runner,
        Err(problem) => return send(&Answer::Failed(problem)),
    };
    send(&Answer::Ready(runner.ready()))?;
    for request in lines {
        send(&runner.answer(serde_json::from_str(&request?)?))?;
    }
    Ok(())
}
