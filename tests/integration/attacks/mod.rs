//! Clients that mean harm, or act as if they did, beside one that does not. Each attack is bounded and stays
//! on this machine.

mod bombs;
mod forms;
mod goodbyes;
mod jobs;
mod log;
mod manners;
mod memory;
mod places;
mod posts;
