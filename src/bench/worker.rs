//! Whoever measures one combination: a process of its own, or, in tests, this one.

use std::fmt::Display;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use framegate_backend_api::Backend;
use serde::Serialize;

use super::messages::{Answer, Ready, Request};
use super::{BenchError, Job, Subject};

/// One combination's worker.
pub struct Worker {
    job: Job,
    ready: Ready,
    place: Place,
}

enum Place {
    Process(Process),
    Here(Box<Subject>),
}

impl Worker {
    /// Starts a process for the job: `program` must answer on standard output what it is asked on
    /// standard input, as [`serve`] does.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn start(job: Job, program: &mut Command) -> Result<Self, BenchError> {
        let name = job.combination.to_string();
        let mut process = Process::start(program, &job)
            .map_err(|problem| BenchError::Process { combination: name.clone(), problem })?;
        match process.read() {
            Ok(Answer::Ready(ready)) => Ok(Self { job, ready, place: Place::Process(process) }),
            Ok(other) => Err(other.unexpected(&name)),
            Err(problem) => Err(BenchError::Process { combination: name, problem }),
        }
    }

    /// A worker in this process.
    ///
    /// # Errors
    /// [`BenchError::Combination`] when the model cannot be loaded on `backend`.
    pub fn here(job: Job, backend: &dyn Backend) -> Result<Self, BenchError> {
        let subject = Subject::load(&job, backend).map_err(|problem| BenchError::Combination {
            combination: job.combination.to_string(),
            problem,
        })?;
        Ok(Self { job, ready: subject.ready(), place: Place::Here(Box::new(subject)) })
    }

    /// Which combination it is.
    pub(super) fn name(&self) -> String {
        self.job.combination.to_string()
    }

    pub(super) fn job(&self) -> &Job {
        &self.job
    }

    pub(super) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// [`BenchError::Process`] when the process is gone.
    pub(super) fn ask(&mut self, request: Request) -> Result<Answer, BenchError> {
        match &mut self.place {
            Place::Here(subject) => Ok(subject.answer(request)),
            Place::Process(process) => {
                process.write(&request).and_then(|()| process.read()).map_err(|problem| {
                    BenchError::Process { combination: self.job.combination.to_string(), problem }
                })
            }
        }
    }
}

/// A process that is spoken to line by line.
struct Process {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    fn start(program: &mut Command, job: &Job) -> Result<Self, String> {
        let piped = program.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().map_err(|error| error.to_string())?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both are piped");
        };
        let mut process = Self { child, requests, answers: BufReader::new(answers) };
        process.write(job)?;
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
            Ok(0) => Err(self.ended(&"it says nothing more")),
            Err(error) => Err(self.ended(&error)),
        }
    }

    /// What became of a process that can no longer be spoken to.
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
        // Nothing that it does now is of use, and one that hangs must not hang us.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does a worker's work in this process: reads the job from `requests`, loads it on the backend that
/// `create` makes of it, and answers whatever is asked until there are no more requests.
///
/// # Errors
/// When `requests` or `answers` cannot be used any more.
pub fn serve(
    requests: impl BufRead,
    answers: impl Write,
    create: impl FnOnce(&Job) -> Result<Box<dyn Backend>, String>,
) -> io::Result<()> {
    let mut answers = BufWriter::new(answers);
    let mut say = |answer: &Answer| -> io::Result<()> {
        serde_json::to_writer(&mut answers, answer)?;
        answers.write_all(b"\n")?;
        answers.flush()
    };
    let mut lines = requests.lines();
    let Some(job) = lines.next() else { return Ok(()) };
    let job: Job = serde_json::from_str(&job?)?;
    let loaded = create(&job).and_then(|backend| Subject::load(&job, backend.as_ref()));
    let mut subject = match loaded {
        Ok(subject) => subject,
        Err(problem) => return say(&Answer::Failed(problem)),
    };
    say(&Answer::Ready(subject.ready()))?;
    for request in lines {
        say(&subject.answer(serde_json::from_str(&request?)?))?;
    }
    Ok(())
}
