//! Why a file could not be fetched.

use std::io;
use std::path::PathBuf;

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// This build has no client.
    #[error(
        "{address} cannot be fetched: this build is without the feature `fetch`. Download the file and give its path"
    )]
    NotBuiltIn {
        /// The file.
        address: String,
    },
    /// It is not in the cache, and nothing may be fetched.
    #[error(
        "{address} has not been fetched before, and --offline forbids it; `framegate models pull` fetches it"
    )]
    Offline {
        /// The file.
        address: String,
    },
    /// The server does not have it, or does not give it.
    #[error("{address}: the server answers with status {status}{}", advice(*status))]
    Status {
        /// The file.
        address: String,
        /// Status of HTTP.
        status: u16,
    },
    /// The server cannot be reached, or redirects from https to something else.
    #[error("{address}: {problem}")]
    Request {
        /// The file.
        address: String,
        /// The client's report.
        problem: String,
    },
    /// The server sends a page for people.
    #[error(
        "{address}: the server answers with a web page; use the address of the file itself (behind \
         *Raw* or *Download*, say). Files that need a login cannot be fetched"
    )]
    WebPage {
        /// The file.
        address: String,
    },
    /// There is nothing in it.
    #[error("{address}: the server answers with an empty file")]
    Empty {
        /// The file.
        address: String,
    },
    /// The connection was cut, again and again without anything new.
    #[error(
        "{address} was cut off after {received} bytes ({problem}); the next try {}",
        if *goes_on { "goes on there" } else { "begins again, as the server offers nothing else" }
    )]
    Cut {
        /// The file.
        address: String,
        /// Bytes that are there.
        received: u64,
        /// Whether the server knows the file again.
        goes_on: bool,
        /// The client's report.
        problem: String,
    },
    /// It is larger than allowed.
    #[error("{address} is larger than {} MiB; allow more by --max-model-size-mb", limit >> 20)]
    TooLarge {
        /// The file.
        address: String,
        /// Bytes that are allowed.
        limit: u64,
    },
    /// It has other contents than were asked for.
    #[error(
        "{address} has the SHA-256 {found}, not {expected}: it is another file, and was not kept"
    )]
    Checksum {
        /// The file.
        address: String,
        /// As asked for.
        expected: String,
        /// As it is.
        found: String,
    },
    /// The cache has other contents than were asked for, and nothing may be fetched.
    #[error(
        "the cache holds {address} with the SHA-256 {found}, not {expected}; without --offline it is fetched again"
    )]
    CachedChecksum {
        /// The file.
        address: String,
        /// As asked for.
        expected: String,
        /// As it is.
        found: String,
    },
    /// A file of the cache cannot be read or written.
    #[error("cannot keep a fetched file at {path}; choose another folder by --cache")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's report.
        source: io::Error,
    },
}

fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 => "; files that need a login cannot be fetched: download it and give its path",
        404 | 410 => "; check the address",
        _ => "",
    }
}
