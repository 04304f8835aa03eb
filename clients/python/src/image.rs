//! NumPy arrays as images, read in place whatever their strides, and as JPEGs.

use framegate::{ChannelOrder, PixelRows, Size};
use jpeg_encoder::{ColorType, Encoder};
use numpy::ndarray::{ArrayView2, ArrayView3, Axis};
use numpy::{PyReadonlyArray2, PyReadonlyArray3};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A frame as Python hands it over. What is wrong with it was said in Python.
#[derive(FromPyObject)]
pub(crate) enum FrameInput<'py> {
    Jpeg(Bound<'py, PyBytes>),
    Colour(PyReadonlyArray3<'py, u8>),
    Grey(PyReadonlyArray2<'py, u8>),
}

/// The same, without what needs the interpreter.
pub(crate) enum FrameView<'a> {
    Jpeg(&'a [u8]),
    Pixels(Pixels<'a>),
}

impl FrameInput<'_> {
    /// The pixels of a colour image are in this order.
    pub(crate) fn view(&self, order: ChannelOrder) -> FrameView<'_> {
        match self {
            Self::Jpeg(jpeg) => FrameView::Jpeg(jpeg.as_bytes()),
            Self::Colour(array) => FrameView::Pixels(Pixels::Colour(array.as_array(), order)),
            Self::Grey(array) => FrameView::Pixels(Pixels::Grey(array.as_array())),
        }
    }
}

impl FrameView<'_> {
    pub(crate) fn frame(&self) -> framegate::Frame<'_> {
        match self {
            Self::Jpeg(jpeg) => framegate::Frame::Jpeg(jpeg),
            Self::Pixels(pixels) => framegate::Frame::Rows(pixels),
        }
    }
}

/// The order of channels by its name: `bgr`, or else red, green, blue.
pub(crate) fn order_of(bgr: bool) -> ChannelOrder {
    if bgr { ChannelOrder::Bgr } else { ChannelOrder::Rgb }
}

/// An array of pixels.
pub(crate) enum Pixels<'a> {
    /// `[height, width, 3]`.
    Colour(ArrayView3<'a, u8>, ChannelOrder),
    /// `[height, width]`.
    Grey(ArrayView2<'a, u8>),
}

impl PixelRows for Pixels<'_> {
    fn size(&self) -> Size {
        let shape = match self {
            Self::Colour(array, _) => array.shape(),
            Self::Grey(array) => array.shape(),
        };
        Size { width: shape[1], height: shape[0] }
    }

    fn channel_order(&self) -> ChannelOrder {
        match self {
            Self::Colour(_, order) => *order,
            Self::Grey(_) => ChannelOrder::Rgb,
        }
    }

    fn copy_row(&self, row: usize, left: usize, pixels: &mut [u8]) {
        match self {
            Self::Colour(array, _) => {
                let row = array.index_axis(Axis(0), row);
                if let Some(values) = row.as_slice() {
                    pixels.copy_from_slice(&values[left * 3..][..pixels.len()]);
                    return;
                }
                for (channel, values) in row.columns().into_iter().enumerate() {
                    let copies = pixels.iter_mut().skip(channel).step_by(3);
                    copies.zip(values.iter().skip(left)).for_each(|(copy, value)| *copy = *value);
                }
            }
            Self::Grey(array) => {
                let values = array.row(row);
                let copies = pixels.as_chunks_mut::<3>().0.iter_mut();
                copies.zip(values.iter().skip(left)).for_each(|(copy, value)| *copy = [*value; 3]);
            }
        }
    }
}

/// An image as a JPEG of this quality, 1 to 100.
#[pyfunction]
pub(crate) fn encode_jpeg<'py>(
    py: Python<'py>,
    image: FrameInput<'py>,
    bgr: bool,
    quality: u8,
) -> PyResult<Bound<'py, PyBytes>> {
    let FrameView::Pixels(pixels) = image.view(order_of(bgr)) else {
        return Err(PyValueError::new_err("it is a JPEG already"));
    };
    let jpeg = py.detach(|| encode(&pixels, quality));
    jpeg.map(|jpeg| PyBytes::new(py, &jpeg)).map_err(PyValueError::new_err)
}

fn encode(image: &Pixels<'_>, quality: u8) -> Result<Vec<u8>, String> {
    let Size { width, height } = image.size();
    let (Ok(columns), Ok(rows)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(format!("an image of {width}x{height} pixels is too large for a JPEG"));
    };
    let mut values = vec![0; width * height * 3];
    for (row, pixels) in values.chunks_exact_mut((width * 3).max(1)).enumerate() {
        image.copy_row(row, 0, pixels);
    }
    let colours = match image.channel_order() {
        ChannelOrder::Rgb => ColorType::Rgb,
        ChannelOrder::Bgr => ColorType::Bgr,
    };
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, quality)
        .encode(&values, columns, rows, colours)
        .map_err(|error| error.to_string())?;
    Ok(jpeg)
}
