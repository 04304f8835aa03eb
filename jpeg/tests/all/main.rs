//! One test binary, one module per subject.

mod bands;
mod codings;
mod damage;
mod limits;
mod numbers;
mod pinned;
mod rest;
mod sloppy;
mod thumbnails;
