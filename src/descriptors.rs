//! How many files and sockets the process may have open. Systems begin with 1024 or fewer, and allow more to those that
//! ask.

/// More than a process needs that has as many connections as can be allowed.
#[cfg(unix)]
const MOST: u64 = 1 << 17;

/// Raises the limit as far as the system allows, and returns it; `None` if it is not known.
#[cfg(unix)]
pub(crate) fn raise_limit() -> Option<usize> {
    let limit =
        rlimit::increase_nofile_limit(MOST).or_else(|_| rlimit::Resource::NOFILE.get_soft());
    usize::try_from(limit.ok()?).ok()
}

/// Nothing to do: sockets are not counted.
#[cfg(not(unix))]
pub(crate) fn raise_limit() -> Option<usize> {
    None
}
