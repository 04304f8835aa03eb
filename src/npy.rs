//! Reads and writes raw tensors as NumPy's `.npy` files: row-major 32-bit floats.
//!
//! Written here rather than taken from a crate, because the crates for it parse headers with a
//! parser generator: a tenth of the CPU-only build. The format is that of NumPy's `numpy.lib.format`:
//! magic, version, length of the header, the header (a Python dictionary), elements.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::whole_file;

const MAGIC: &[u8] = b"\x93NUMPY";
/// The elements start at a multiple of this many bytes.
const ALIGNMENT: usize = 64;

/// Why a `.npy` file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum NpyError {
    /// The file could not be opened, read or written, or is not a `.npy` file.
    #[error("{path}: {problem}")]
    File { path: PathBuf, problem: io::Error },
    /// The file's elements are not 32-bit floats.
    #[error(
        "{path} holds elements of type {found}, not float32: save it with `.astype(\"float32\")`"
    )]
    ElementType {
        path: PathBuf,
        /// NumPy's name of the type.
        found: String,
    },
    /// The file's elements are column-major.
    #[error("{path} is in Fortran order: save it with `numpy.ascontiguousarray`")]
    FortranOrder { path: PathBuf },
}

/// Reads an array of 32-bit floats: its shape and its elements, row-major.
///
/// # Errors
/// [`NpyError`] when the file is missing, damaged, or holds something else.
pub fn read_f32(path: &Path) -> Result<(Vec<usize>, Vec<f32>), NpyError> {
    let failed = |problem| NpyError::File { path: path.to_owned(), problem };
    let damaged = |what: &str| failed(io::Error::new(io::ErrorKind::InvalidData, what));
    let file = whole_file::read(path).map_err(failed)?;
    let (header, elements) =
        split(&file).ok_or_else(|| damaged("it is not a .npy file, or it is damaged"))?;
    let Header { descr, fortran_order, shape } =
        Header::parse(header).ok_or_else(|| damaged("its header does not describe an array"))?;
    if descr != "'<f4'" {
        let found = descr.trim_matches('\'').to_owned();
        return Err(NpyError::ElementType { path: path.to_owned(), found });
    }
    if fortran_order {
        return Err(NpyError::FortranOrder { path: path.to_owned() });
    }
    let declared = shape.iter().try_fold(4_usize, |bytes, extent| bytes.checked_mul(*extent));
    if declared != Some(elements.len()) {
        return Err(damaged(&format!("it does not hold the {shape:?} elements that it declares")));
    }
    Ok((shape, elements.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
}

/// Writes an array of 32-bit floats, `elements` being row-major.
///
/// # Errors
/// [`NpyError::File`].
pub fn write_f32(path: &Path, shape: &[usize], elements: &[f32]) -> Result<(), NpyError> {
    // A tuple of one element needs its comma.
    let extents: String = shape.iter().map(|extent| format!("{extent}, ")).collect();
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", extents.trim_end());
    let before_header = MAGIC.len() + 4;
    let length = (before_header + header.len() + 1).next_multiple_of(ALIGNMENT) - before_header;
    header = format!("{header:<width$}\n", width = length - 1);

    let mut file = [MAGIC, &[1, 0], &(length as u16).to_le_bytes(), header.as_bytes()].concat();
    file.extend(elements.iter().flat_map(|element| element.to_le_bytes()));
    fs::write(path, file).map_err(|problem| NpyError::File { path: path.to_owned(), problem })
}

/// The header and what follows it.
fn split(file: &[u8]) -> Option<(&str, &[u8])> {
    let (version, rest) = file.strip_prefix(MAGIC)?.split_at_checked(2)?;
    let (length, rest) = match version[0] {
        1 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        2 | 3 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u32::from_le_bytes(*length)).ok()?, rest)
        }
        _ => return None,
    };
    let (header, elements) = rest.split_at_checked(length)?;
    Some((str::from_utf8(header).ok()?, elements))
}

struct Header<'a> {
    /// The type of the elements, as the literal that the header holds.
    descr: &'a str,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl<'a> Header<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let after = |key: &str| Some(header.split_once(key)?.1.trim_start());
        let descr = after("'descr':")?;
        let end = match descr.as_bytes().first()? {
            b'[' => descr.find(']')? + 1,
            _ => descr.find(',')?,
        };
        let fortran_order = after("'fortran_order':")?.starts_with("True");
        let (extents, _) = after("'shape':")?.strip_prefix('(')?.split_once(')')?;
        let shape = extents
            .split(',')
            .map(str::trim)
            .filter(|extent| !extent.is_empty())
            .map(|extent| extent.parse().ok())
            .collect::<Option<_>>()?;
        Some(Self { descr: &descr[..end], fortran_order, shape })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &[u8]) -> Result<(Vec<usize>, Vec<f32>), NpyError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        fs::write(&path, file).unwrap();
        read_f32(&path)
    }

    fn file(version: u8, header: &str, elements: &[f32]) -> Vec<u8> {
        let length = header.len() as u32;
        let length = &length.to_le_bytes()[..if version == 1 { 2 } else { 4 }];
        let elements: Vec<u8> = elements.iter().flat_map(|x| x.to_le_bytes()).collect();
        [MAGIC, &[version, 0], length, header.as_bytes(), &elements].concat()
    }

    #[test]
    fn arrays_survive_a_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        for shape in [vec![], vec![3], vec![2, 3], vec![1, 0, 4], vec![1; 40]] {
            let elements: Vec<f32> = (0..shape.iter().product()).map(|x| x as f32).collect();
            write_f32(&path, &shape, &elements).unwrap();
            assert_eq!(read_f32(&path).unwrap(), (shape, elements));
            let bytes = fs::read(&path).unwrap();
            let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
            assert_eq!(((10 + header) % ALIGNMENT, bytes[9 + header]), (0, b'\n'));
        }
    }

    #[test]
    fn headers_are_read_as_numpy_writes_them() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }   \n";
        for version in [1, 2, 3] {
            let array = read(&file(version, header, &[1.0, 2.5])).unwrap();
            assert_eq!(array, (vec![2], vec![1.0, 2.5]));
        }
        // As written by Python 2.
        let header = "{'shape': (1, 2), 'fortran_order': False, 'descr': '<f4',}\n";
        assert_eq!(read(&file(1, header, &[1.0, 2.0])).unwrap().0, [1, 2]);
    }

    #[test]
    fn a_hundred_thousand_axes_are_an_array() {
        let shape = "1, ".repeat(100_000);
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}\n");
        assert_eq!(read(&file(2, &header, &[3.0])).unwrap(), (vec![1; 100_000], vec![3.0]));
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        let header = |descr: &str, order: &str, shape: &str| {
            format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n")
        };
        let huge = format!("({0}, {0})", u64::MAX);
        let many_axes =
            |axis: &str| header("'<f4'", "False", &format!("({})", axis.repeat(100_000)));
        for (bytes, reason) in [
            (file(1, &header("'<f8'", "False", "(1,)"), &[1.0]), "of type <f8"),
            (file(1, &header("'>f4'", "False", "(1,)"), &[1.0]), "of type >f4"),
            (file(1, &header("[('a', '<f4')]", "False", "(1,)"), &[1.0]), "[('a', '<f4')]"),
            (file(1, &header("'<f4'", "True", "(1,)"), &[1.0]), "Fortran"),
            (file(1, &header("'<f4'", "False", "(2,)"), &[1.0]), "does not hold"),
            (file(1, &header("'<f4'", "False", "(1,)"), &[1.0, 2.0]), "does not hold"),
            (file(1, &header("'<f4'", "False", &huge), &[1.0]), "does not hold"),
            (file(1, &header("'<f4'", "False", "(-1,)"), &[1.0]), "does not describe"),
            (file(1, "{}", &[1.0]), "does not describe"),
            (file(9, "{}", &[1.0]), "not a .npy file"),
            (b"\x93NUMPY\x01\x00\xff\xff{}".to_vec(), "damaged"),
            (b"GIF89a".to_vec(), "not a .npy file"),
            (Vec::new(), "not a .npy file"),
            (file(1, &header("'<f4'", "False", "(1, 1, 0)"), &[1.0]), "does not hold"),
            (file(2, &many_axes("18446744073709551615, "), &[1.0]), "does not hold"),
            (file(2, &many_axes("1x, "), &[1.0]), "does not describe"),
        ] {
            let message = read(&bytes).unwrap_err().to_string();
            assert!(message.contains(reason), "{message}");
        }
    }
}
