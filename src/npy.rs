//! Reads and writes raw tensors as NumPy's `.npy` files: row-major 32-bit floats.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use npyz::{NpyFile, Order, WriterBuilder};

/// Why a `.npy` file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum NpyError {
    /// The file could not be opened, read or written, or is not a `.npy` file.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system or the reader said.
        problem: io::Error,
    },
    /// The file's elements are not 32-bit floats.
    #[error(
        "{path} holds elements of type {found}, not float32: save it with `.astype(\"float32\")`"
    )]
    ElementType {
        /// The file.
        path: PathBuf,
        /// NumPy's name of the type found.
        found: String,
    },
    /// The file's elements are column-major.
    #[error("{path} is in Fortran order: save it with `numpy.ascontiguousarray`")]
    FortranOrder {
        /// The file.
        path: PathBuf,
    },
}

/// Reads an array of 32-bit floats: its shape and its elements, row-major.
///
/// # Errors
/// [`NpyError`] when the file is missing or damaged, or holds something else.
pub fn read_f32(path: &Path) -> Result<(Vec<usize>, Vec<f32>), NpyError> {
    let failed = |problem| NpyError::File { path: path.to_owned(), problem };
    let file = File::open(path).map_err(failed)?;
    let array = NpyFile::new(BufReader::new(file)).map_err(failed)?;
    if array.order() == Order::Fortran {
        return Err(NpyError::FortranOrder { path: path.to_owned() });
    }
    let shape: Vec<usize> = array.shape().iter().map(|extent| *extent as usize).collect();
    let found = array.dtype().descr();
    let elements: Vec<f32> = array
        .try_data::<f32>()
        .map_err(|_| NpyError::ElementType { path: path.to_owned(), found })?
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    // The reader multiplies the declared extents without checking for overflow.
    let declared = shape.iter().try_fold(1usize, |len, extent| len.checked_mul(*extent));
    if declared != Some(elements.len()) {
        let problem =
            format!("it does not hold the elements of the shape {shape:?} that it declares");
        return Err(failed(io::Error::new(io::ErrorKind::InvalidData, problem)));
    }
    Ok((shape, elements))
}

/// Writes an array of 32-bit floats; `elements` are row-major.
///
/// # Errors
/// [`NpyError::File`] when the file cannot be created or written.
pub fn write_f32(path: &Path, shape: &[usize], elements: &[f32]) -> Result<(), NpyError> {
    let write = || -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        let shape: Vec<u64> = shape.iter().map(|extent| *extent as u64).collect();
        let mut array =
            npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut file).begin_nd()?;
        array.extend(elements)?;
        array.finish()?;
        file.flush()
    };
    write().map_err(|problem| NpyError::File { path: path.to_owned(), problem })
}
