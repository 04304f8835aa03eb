//! The tests of the whole package: one binary, a module per subject.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(clippy::disallowed_methods, reason = "no client can make a test's channels grow")]

mod allocations;
mod annotate;
mod architecture;
mod attacks;
mod bench;
mod book;
mod boxes;
mod check;
mod cli;
mod codes;
mod config_file;
mod connection;
mod contract;
mod decode;
mod deepstack;
mod deploy;
mod detector;
mod eval;
mod exporters;
mod failover;
#[cfg(feature = "fetch")]
mod fetched_models;
mod field;
mod flow;
mod hostile_models;
mod hostile_mutations;
mod http;
mod infer;
mod int8;
mod interrupt;
mod kernels;
mod live;
mod load;
#[cfg(feature = "wgpu")]
mod lost_gpu;
mod mjpeg;
mod models;
mod offline;
mod onnx;
mod onnx_model;
mod options;
mod parity;
mod pinned;
mod pipeline;
mod preprocess;
mod quantised;
mod ragged;
#[cfg(feature = "codes")]
mod reading;
mod realtime;
mod result_formats;
mod second;
mod serve;
mod server;
mod soak;
mod support;
mod tiles;
mod traces;
mod video;
mod watch;
mod zoo;
