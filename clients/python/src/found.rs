//! The detections of a frame, as NumPy arrays.

use framegate::{Detection, FrameResult};
use numpy::ndarray::Array3;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArray3};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// A mask as COCO's run lengths.
type RunLengths = (usize, usize, Vec<usize>);

/// The detections of a frame, highest score first.
#[pyclass(frozen, get_all, module = "framegate._native")]
pub(crate) struct Found {
    /// Width and height of the upright frame.
    size: (usize, usize),
    /// `[N, 4]`: left, top, right, bottom.
    xyxy: Py<PyArray2<f32>>,
    confidence: Py<PyArray1<f32>>,
    class_id: Py<PyArray1<i64>>,
    /// `[N, K, 3]`: x, y, score.
    keypoints: Option<Py<PyArray3<f32>>>,
    /// `[N]`, radians.
    angle: Option<Py<PyArray1<f32>>>,
    /// `[N, 4, 2]`: x, y.
    corners: Option<Py<PyArray3<f32>>>,
    /// `N` texts, if there is one.
    text: Option<Vec<Option<String>>>,
    /// `N` symbologies of codes, if there is one.
    format: Option<Vec<Option<String>>>,
    /// `N` natures of texts, if one is not a text as such.
    content: Option<Vec<Option<String>>>,
    /// Height, width, counts.
    masks: Option<Vec<Option<RunLengths>>>,
    /// Name, shape and elements of each output of a model without boxes.
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
    /// Milliseconds in each stage, by its name.
    timings_ms: Py<PyDict>,
}

impl Found {
    pub(crate) fn new(py: Python<'_>, result: FrameResult) -> PyResult<Self> {
        let FrameResult { size, detections, tensors, timings } = result;
        let corners_of_box = detections
            .iter()
            .map(|found| [found.x, found.y, found.x + found.width, found.y + found.height]);
        let timings_ms = PyDict::new(py);
        for (stage, time) in timings.iter() {
            timings_ms.set_item(stage.name(), time.as_secs_f64() * 1e3)?;
        }
        let has_masks = detections.iter().any(|found| found.mask.is_some());
        let masks = has_masks.then(|| detections.iter().map(mask).collect());
        let elements = |data: Vec<Option<f32>>| {
            data.into_iter().map(|element| element.unwrap_or(f32::NAN)).collect()
        };
        Ok(Self {
            size: (size.width, size.height),
            xyxy: PyArray2::from_owned_array(py, rows(corners_of_box)).unbind(),
            confidence: column(py, detections.iter().map(|found| found.score)),
            class_id: column(py, detections.iter().map(|found| found.class_id as i64)),
            keypoints: keypoints(py, &detections)?,
            angle: present(&detections, |found| found.angle).map(|all| column(py, all.into_iter())),
            corners: present(&detections, |found| found.corners).map(|all| {
                let values = all.iter().flatten().flatten().copied().collect();
                let array = Array3::from_shape_vec((all.len(), 4, 2), values);
                PyArray3::from_owned_array(py, array.expect("four corners for each")).unbind()
            }),
            text: words(&detections, |found| found.text.clone()),
            format: words(&detections, |found| found.format.map(|format| format.to_string())),
            content: words(&detections, |found| found.content.map(|content| content.to_string())),
            masks,
            tensors: tensors
                .into_iter()
                .map(|tensor| (tensor.name, tensor.shape, elements(tensor.data)))
                .collect(),
            timings_ms: timings_ms.unbind(),
        })
    }
}

fn rows(values: impl Iterator<Item = [f32; 4]>) -> numpy::ndarray::Array2<f32> {
    numpy::ndarray::Array2::from(values.collect::<Vec<_>>())
}

fn column<T: numpy::Element>(py: Python<'_>, values: impl Iterator<Item = T>) -> Py<PyArray1<T>> {
    values.collect::<Vec<_>>().into_pyarray(py).unbind()
}

/// A property that all detections have, or none: what the model says is the same for all.
fn present<T>(detections: &[Detection], of: impl Fn(&Detection) -> Option<T>) -> Option<Vec<T>> {
    if detections.is_empty() { None } else { detections.iter().map(of).collect() }
}

/// A property that some detections may have.
fn words(
    detections: &[Detection],
    of: impl Fn(&Detection) -> Option<String>,
) -> Option<Vec<Option<String>>> {
    let words: Vec<Option<String>> = detections.iter().map(of).collect();
    words.iter().any(Option::is_some).then_some(words)
}

fn keypoints(py: Python<'_>, detections: &[Detection]) -> PyResult<Option<Py<PyArray3<f32>>>> {
    let Some(points) = detections.first().map(|found| found.keypoints.len()) else {
        return Ok(None);
    };
    if points == 0 {
        return Ok(None);
    }
    let values = detections.iter().flat_map(|found| &found.keypoints).flatten().copied().collect();
    let array = Array3::from_shape_vec((detections.len(), points, 3), values);
    let array = array.map_err(|error| crate::errors::BackendError::new_err(error.to_string()))?;
    Ok(Some(PyArray3::from_owned_array(py, array).unbind()))
}

fn mask(found: &Detection) -> Option<RunLengths> {
    let mask = found.mask.as_ref()?;
    Some((mask.size[0], mask.size[1], mask.counts.clone()))
}
