//! Numbers for objects that last from frame to frame.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use framegate_tracking::{Bounds, Observation};
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

#[pyclass(frozen, module = "framegate._native")]
#[derive(Default)]
pub(crate) struct Tracker {
    tracker: Mutex<framegate_tracking::Tracker>,
}

#[pymethods]
impl Tracker {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// The numbers of the objects that were seen at this time, in seconds from any moment before the first.
    fn update(
        &self,
        seconds: f64,
        xyxy: PyReadonlyArray2<'_, f32>,
        confidence: PyReadonlyArray1<'_, f32>,
        class_id: PyReadonlyArray1<'_, i64>,
    ) -> PyResult<Vec<u64>> {
        let at = Duration::try_from_secs_f64(seconds)
            .map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))?;
        let (xyxy, confidence, class_id) =
            (xyxy.as_array(), confidence.as_array(), class_id.as_array());
        let boxes = xyxy.outer_iter().zip(confidence).zip(class_id);
        let observations: Vec<Observation> = boxes
            .map(|((corners, score), class_id)| Observation {
                class_id: usize::try_from(*class_id).unwrap_or(usize::MAX),
                score: *score,
                bounds: Bounds {
                    x: corners[0],
                    y: corners[1],
                    width: corners[2] - corners[0],
                    height: corners[3] - corners[1],
                },
            })
            .collect();
        let mut tracker = self.tracker.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(tracker.update(at, &observations))
    }
}
