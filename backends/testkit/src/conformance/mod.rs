//! A suite that every backend must pass.
//!
//! Most cases are small graphs, run at several batch sizes and compared, image by image, with the scalar
//! definition of the operators; the others check how a session behaves. A backend runs the suite in one
//! test:
//!
//! ```
//! use framegate_testkit::ReferenceBackend;
//! use framegate_testkit::conformance::{self, Options};
//!
//! let options = Options { only: Some("softmax"), ..Options::full() };
//! conformance::run(&ReferenceBackend, &options).assert_passed();
//! ```

mod arithmetic;
mod broadcasting;
mod case;
mod check;
mod convolution;
mod elementwise;
mod inside;
mod movement;
mod network;
mod pooling;
mod products;
mod quantised;
mod reduction;
mod report;
mod resize;
mod sampling;
mod selection;
mod session;
mod suppression;

use framegate_backend_api::{Backend, Limits};

use case::Case;
pub use report::{Failure, Report};

/// Which part of the suite runs, and on which inputs.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// Batch sizes that every case runs at, each from 1 to 16. A case is loaded once, for the largest.
    pub batches: &'a [usize],
    /// Numbers of images *inside* a graph that every case is run on as well, where it can be.
    pub inside: &'a [usize],
    /// Run only cases whose name contains this.
    pub only: Option<&'a str>,
    /// CPU threads per session.
    pub threads: usize,
    /// Inputs differ from seed to seed; the same seed gives the same inputs everywhere.
    pub seed: u64,
}

impl Options<'_> {
    /// Every case, in batches of 1, 2 and 5, and with 2 and 5 images inside the graph.
    pub fn full() -> Self {
        Self { batches: &[1, 2, 5], inside: &[2, 5], only: None, threads: 2, seed: 0 }
    }

    /// Every case, in batches of 1 and 5, and with 2 images inside the graph: for devices that are slow
    /// to compile for each size.
    pub fn reduced() -> Self {
        Self { batches: &[1, 5], inside: &[2], ..Self::full() }
    }

    fn limits(&self) -> Limits {
        let max_batch = self.batches.iter().copied().max().unwrap_or(1);
        Limits { max_batch, threads: self.threads }
    }

    fn selects(&self, name: &str) -> bool {
        self.only.is_none_or(|part| name.contains(part))
    }
}

/// Runs the suite on a backend. Whatever goes wrong in the backend, panics included, ends up in the report
/// and does not panic here.
pub fn run(backend: &dyn Backend, options: &Options<'_>) -> Report {
    let mut report = Report::new(backend.name());
    for case in operator_cases().iter().filter(|case| options.selects(&case.name)) {
        report.record(&case.name, &case.operators(), || check::case(backend, case, options));
        for case in options.inside.iter().filter_map(|count| inside::inside(case, *count)) {
            // Such a graph runs a batch image by image, so one will do.
            let options = Options { batches: &[1], ..options.clone() };
            report.record(&case.name, &case.operators(), || check::case(backend, &case, &options));
        }
    }
    for behaviour in session::BEHAVIOURS.iter().filter(|case| options.selects(case.name)) {
        report.record(behaviour.name, "session", || (behaviour.check)(backend, options.threads));
    }
    report
}

fn operator_cases() -> Vec<Case> {
    [
        convolution::cases(),
        pooling::cases(),
        resize::cases(),
        sampling::cases(),
        elementwise::cases(),
        arithmetic::cases(),
        broadcasting::cases(),
        movement::cases(),
        selection::cases(),
        suppression::cases(),
        products::cases(),
        quantised::cases(),
        reduction::cases(),
        network::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod sensitivity;
#[cfg(test)]
mod tests;
