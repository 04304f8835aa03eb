//! How long a session takes for a batch.

use std::time::Duration;

use framegate_backend_api::{BackendError, Limits, Model, OutputBatch, Session};

use super::self_check::noise;

/// Batches that are timed; the fastest counts.
const BATCHES: usize = 5;
/// No further batch is timed after this long.
const LONGEST: Duration = Duration::from_secs(1);

/// Time of a whole batch, after one that is not timed: kernels are tuned at their first use.
pub(super) fn batch_time(
    session: &mut dyn Session,
    now: &dyn Fn() -> Duration,
    model: &Model,
    limits: &Limits,
) -> Result<Duration, BackendError> {
    let input = noise(&model.graph, limits.max_batch);
    let mut outputs = OutputBatch::declared_by(&model.graph);
    session.infer(&input, &mut outputs)?;
    let mut fastest = Duration::MAX;
    let start = now();
    for _ in 0..BATCHES {
        let before = now();
        session.infer(&input, &mut outputs)?;
        fastest = fastest.min(now() - before);
        if now() - start > LONGEST {
            break;
        }
    }
    Ok(fastest)
}
