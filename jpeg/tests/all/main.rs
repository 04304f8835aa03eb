//! One test binary, one module per subject.

mod codings;
mod damage;
mod limits;
mod pinned;
mod sloppy;
