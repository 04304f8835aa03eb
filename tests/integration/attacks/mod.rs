//! Clients that mean harm, or act as if they did, beside one that does not. Each attack is bounded and stays
//! on this machine.

mod bombs;
mod goodbyes;
mod log;
mod memory;
mod places;
