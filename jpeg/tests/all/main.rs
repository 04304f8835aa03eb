//! One test binary, one module per subject.

mod bands;
mod codings;
mod damage;
mod limits;
mod pinned;
mod sloppy;
