//! The built program as a server.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::Value;

use super::program::framegate;

/// A process that is killed when this is dropped.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running server.
pub(crate) struct Server {
    process: Process,
    pub(crate) address: SocketAddr,
    log: BufReader<ChildStderr>,
    /// Lines of the log up to that it is ready.
    pub(crate) startup: Vec<Value>,
}

impl Server {
    /// Starts with these arguments on any free port, and waits until it is ready.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::launch(0, arguments, |_| {})
    }

    /// The same on this port.
    pub(crate) fn start_at(port: u16, arguments: &[&str]) -> Self {
        Self::launch(port, arguments, |_| {})
    }

    /// The same on any free port, after `prepare` has changed the command.
    pub(crate) fn start_with(arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Self {
        Self::launch(0, arguments, prepare)
    }

    fn launch(port: u16, arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Self {
        let port = port.to_string();
        let mut command = framegate(["serve", "--port", &port, "--log-format", "json"]);
        prepare(&mut command);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = Process(command.spawn().expect("the program starts"));
        let mut log = BufReader::new(process.0.stderr.take().expect("the log is piped"));
        let mut address = None;
        let mut startup = Vec::new();
        loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "the server has ended: {startup:?}");
            let entry: Value = serde_json::from_str(&line).unwrap();
            if let Some(found) = entry["fields"]["address"].as_str() {
                address = Some(found.parse().unwrap());
            }
            if entry["fields"]["message"].as_str().is_some_and(|text| text.starts_with("ready")) {
                let address = address.expect("the address is logged before the server is ready");
                return Self { process, address, log, startup };
            }
            startup.push(entry);
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let process = self.process.0.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &process]).status();
        assert!(sent.unwrap().success());
    }

    /// Kills it, with no time for anything.
    pub(crate) fn kill(mut self) {
        self.process.0.kill().unwrap();
        self.process.0.wait().unwrap();
    }

    /// Waits for the end; returns the exit status and what was logged since the start.
    pub(crate) fn end(mut self) -> (i32, Vec<Value>) {
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        let entries = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (self.process.0.wait().unwrap().code().expect("it was not killed"), entries)
    }

    /// Waits for the end without reading the log; returns the exit status.
    pub(crate) fn end_unread(mut self) -> i32 {
        self.process.0.wait().unwrap().code().expect("it was not killed")
    }

    /// A figure of `/proc/PID/status` in bytes; `None` where there is no such file.
    pub(crate) fn memory(&self, name: &str) -> Option<u64> {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.0.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    }
}
