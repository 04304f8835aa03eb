//! The tests of the whole package: one binary, a module per subject.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod allocations;
mod annotate;
mod architecture;
mod bench;
mod boxes;
mod cli;
mod codes;
mod connection;
mod contract;
mod decode;
mod detector;
mod eval;
mod flow;
mod http;
mod infer;
mod kernels;
mod load;
mod mjpeg;
mod models;
mod offline;
mod onnx;
mod onnx_model;
mod parity;
mod preprocess;
mod realtime;
mod serve;
mod server;
mod soak;
mod support;
