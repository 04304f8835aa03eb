//! A file from its server into the cache: what is missing of it, as often as the connection is cut.

use std::io::Read;
use std::path::PathBuf;

use ureq::Body;

use crate::cache::io_error;
use crate::digest::sha256;
use crate::partial::Partial;
use crate::request::{Answer, request};
use crate::{Address, FetchError, FetchOptions, Progress};

/// Longest part that is read at once, in bytes.
const PART: usize = 1 << 16;
/// Requests for one file: each but the first goes on where another was cut off.
const MOST_REQUESTS: usize = 100;

pub(crate) fn fetch(
    address: &Address,
    options: &FetchOptions,
    report: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, FetchError> {
    let path = options.cache.path_of(address);
    let cached = contents(address, options)?;
    let offline = match cached {
        Contents::Wanted => return Ok(path),
        Contents::Other { expected, found } => {
            FetchError::CachedChecksum { address: address.to_string(), expected, found }
        }
        Contents::Absent => FetchError::Offline { address: address.to_string() },
    };
    if options.offline {
        return Err(offline);
    }
    let mut partial = Partial::open(&path)?;
    // Another process may have fetched it in the meantime.
    if let Contents::Wanted = contents(address, options)? {
        partial.discard();
        return Ok(path);
    }
    receive(address, options.max_bytes, &mut partial, report)?;
    let found = sha256(partial.path()).map_err(|error| io_error(partial.path(), error))?;
    if let Some(expected) = other_than_expected(address, &found) {
        partial.discard();
        return Err(FetchError::Checksum { address: address.to_string(), expected, found });
    }
    if partial.bytes == 0 {
        partial.discard();
        return Err(FetchError::Empty { address: address.to_string() });
    }
    report(Progress::Ends { bytes: partial.bytes });
    partial.finish(&path)?;
    options.cache.note(address, &found)?;
    Ok(path)
}

/// The state of a file in the cache.
enum Contents {
    /// It is not there.
    Absent,
    /// It has the contents that were asked for.
    Wanted,
    /// It was fetched when the address had other contents.
    Other { expected: String, found: String },
}

fn contents(address: &Address, options: &FetchOptions) -> Result<Contents, FetchError> {
    let Some(file) = options.cache.find(address) else { return Ok(Contents::Absent) };
    if address.sha256().is_none() {
        return Ok(Contents::Wanted);
    }
    let found = sha256(&file.path).map_err(|error| io_error(&file.path, error))?;
    Ok(match other_than_expected(address, &found) {
        Some(expected) => Contents::Other { expected, found },
        None => Contents::Wanted,
    })
}

/// The SHA-256 that was asked for, if it is not this one.
fn other_than_expected(address: &Address, found: &str) -> Option<String> {
    address.sha256().filter(|expected| *expected != found).map(str::to_owned)
}

fn receive(
    address: &Address,
    limit: u64,
    partial: &mut Partial,
    report: &mut dyn FnMut(Progress<'_>),
) -> Result<(), FetchError> {
    let mut requests = 0;
    loop {
        let before = partial.bytes;
        let answer = continued(address, partial)?;
        let Answer { begin, total, body, .. } = answer;
        if total.is_some_and(|total| total > limit) {
            return Err(FetchError::TooLarge { address: address.to_string(), limit });
        }
        if requests == 0 {
            report(Progress::Begins { address, resumed: begin, total });
        }
        let cut = copy(address, body, limit, partial, report)?;
        let problem = match (cut, total) {
            (Some(problem), _) => problem,
            (None, Some(total)) if partial.bytes < total => "the connection was closed".to_owned(),
            (None, _) => return Ok(()),
        };
        requests += 1;
        // Without a word by which the server knows the file, the next request would begin again.
        let goes_on = partial.bytes > before && partial.validator().is_some();
        if !goes_on || requests == MOST_REQUESTS {
            let (address, received) = (address.to_string(), partial.bytes);
            let goes_on = partial.validator().is_some();
            return Err(FetchError::Cut { address, received, goes_on, problem });
        }
    }
}

/// An answer that goes on where the file ends, or begins again.
fn continued(address: &Address, partial: &mut Partial) -> Result<Answer, FetchError> {
    if let Some(validator) = partial.validator() {
        match request(address, Some((partial.bytes, &validator))) {
            Ok(answer) if answer.begin == partial.bytes => {
                partial.resume()?;
                return Ok(answer);
            }
            Ok(answer) if answer.begin == 0 => {
                partial.restart(answer.validator.as_deref())?;
                return Ok(answer);
            }
            // All of it was there, or more; or it goes on elsewhere.
            Ok(_) | Err(FetchError::Status { status: 416, .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let answer = request(address, None)?;
    partial.restart(answer.validator.as_deref())?;
    Ok(answer)
}

/// Writes a body to the file; returns why it was cut off, if it was.
fn copy(
    address: &Address,
    body: Body,
    limit: u64,
    partial: &mut Partial,
    report: &mut dyn FnMut(Progress<'_>),
) -> Result<Option<String>, FetchError> {
    let mut reader = body.into_reader();
    let mut buffer = vec![0; PART];
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(read) => read,
            Err(error) => return Ok(Some(error.to_string())),
        };
        if partial.bytes + read as u64 > limit {
            return Err(FetchError::TooLarge { address: address.to_string(), limit });
        }
        partial.write(&buffer[..read])?;
        report(Progress::Received { bytes: partial.bytes });
    }
}
