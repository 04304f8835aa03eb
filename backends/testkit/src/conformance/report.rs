//! The result of a run of the suite.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The result of a run.
#[derive(Debug)]
#[must_use = "call `assert_passed` or look at the failures"]
pub struct Report {
    /// The backend's name.
    pub backend: &'static str,
    /// Number of cases run.
    pub cases: usize,
    /// The cases that failed, in the order in which they ran.
    pub failures: Vec<Failure>,
}

/// A case that a backend failed.
#[derive(Debug)]
pub struct Failure {
    /// The case's name.
    pub case: String,
    /// Its operators, with their parameters.
    pub operators: String,
    /// The failures.
    pub problem: String,
}

impl Report {
    pub(super) fn new(backend: &'static str) -> Self {
        Self { backend, cases: 0, failures: Vec::new() }
    }

    /// Runs one case and records what goes wrong, including a panic.
    pub(super) fn record(
        &mut self,
        case: &str,
        operators: &str,
        check: impl FnOnce() -> Result<(), String>,
    ) {
        self.cases += 1;
        let problem = match catch_unwind(AssertUnwindSafe(check)) {
            Ok(Ok(())) => return,
            Ok(Err(problem)) => problem,
            Err(payload) => {
                let message = payload
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| payload.downcast_ref::<&str>().copied());
                format!("panicked: {}", message.unwrap_or("no message"))
            }
        };
        self.failures.push(Failure {
            case: case.to_owned(),
            operators: operators.to_owned(),
            problem,
        });
    }

    /// # Panics
    /// When a case failed, with the list of all failures, or when no case was run.
    pub fn assert_passed(&self) {
        assert!(self.cases > 0, "no case was selected for backend `{}`", self.backend);
        assert!(self.failures.is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (backend, cases) = (self.backend, self.cases);
        writeln!(f, "backend `{backend}` failed {} of {cases} cases", self.failures.len())?;
        self.failures.iter().try_for_each(|failure| writeln!(f, "{failure}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "- {}: {}\n    in {}", self.case, self.problem, self.operators)
    }
}
