//! Files by address: fetched over HTTPS into a cache, from which they are used from then on.
//!
//! ```
//! use framegate_fetch::Address;
//!
//! let address = Address::parse("hf:owner/repository/model.onnx@v1", "https://hub.example")?;
//! assert_eq!(address.url(), "https://hub.example/owner/repository/resolve/v1/model.onnx");
//! # Ok::<(), framegate_fetch::AddressError>(())
//! ```
//!
//! A file is written beside its place and renamed when it is complete, so what is in its place can be used. What was
//! cut off goes on where it was, if the server vouches that it is still the same file.

mod address;
mod cache;
#[cfg(feature = "http")]
mod digest;
#[cfg(feature = "http")]
mod download;
mod error;
#[cfg(feature = "http")]
mod partial;
#[cfg(feature = "http")]
mod request;

pub use address::{Address, AddressError, is_remote, without_secrets};
pub use cache::{Cache, CachedFile};
pub use error::FetchError;

/// Limits of fetching, and the place where files are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchOptions {
    /// The folder that files are kept in.
    pub cache: Cache,
    /// Use what is there, without any connection.
    pub offline: bool,
    /// Largest file, in bytes.
    pub max_bytes: u64,
}

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// The server answers with the file.
    Begins {
        /// The file.
        address: &'a Address,
        /// Bytes that were there before.
        resumed: u64,
        /// Bytes of the whole file, if the server says so.
        total: Option<u64>,
    },
    /// More of it was written.
    Received {
        /// Bytes that are there.
        bytes: u64,
    },
    /// It is complete, and its contents are those that were asked for.
    Ends {
        /// Bytes of the whole file.
        bytes: u64,
    },
}

/// Fetches a file, unless it is in the cache, and returns where it is.
///
/// # Errors
/// [`FetchError`]. What has arrived of a file that was cut off stays for the next call.
#[cfg(feature = "http")]
pub fn fetch(
    address: &Address,
    options: &FetchOptions,
    report: &mut dyn FnMut(Progress<'_>),
) -> Result<std::path::PathBuf, FetchError> {
    download::fetch(address, options, report)
}

/// Refuses: this build cannot fetch.
///
/// # Errors
/// [`FetchError::NotBuiltIn`].
#[cfg(not(feature = "http"))]
pub fn fetch(
    address: &Address,
    _: &FetchOptions,
    _: &mut dyn FnMut(Progress<'_>),
) -> Result<std::path::PathBuf, FetchError> {
    Err(FetchError::NotBuiltIn { address: address.to_string() })
}
