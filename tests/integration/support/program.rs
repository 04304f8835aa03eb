//! Runs the built program.

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// The program, without any of its variables set.
pub(crate) fn framegate<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_framegate"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FRAMEGATE_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The result of a run.
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Every line of standard output as a JSON object.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Asserts that the program refused: with this status, these words and no results.
    pub(crate) fn assert_refused(&self, status: i32, words: &[&str]) {
        assert_eq!(self.status, status, "{}", self.stderr);
        assert!(self.stdout.is_empty(), "{}", self.stdout);
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in: {}", self.stderr);
        }
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ended {
    ended(command.output().expect("the program starts"))
}

/// Runs a command to its end with these bytes on standard input.
pub(crate) fn run_with_stdin(command: &mut Command, input: &[u8]) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().expect("the program ends")
    });
    ended(output)
}

fn ended(output: Output) -> Ended {
    Ended {
        status: output.status.code().expect("the program was not killed"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// The CPU backends in this build. A build may have none, which the test then prints.
pub(crate) fn cpu_backends() -> Vec<&'static str> {
    let listed = run(&mut framegate(["backends", "--json"]));
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).expect("a JSON list");
    let usable = |name: &&str| {
        let entries = listed.as_array().expect("a JSON list");
        entries.iter().any(|entry| entry["name"] == **name && entry["usable"] == true)
    };
    let usable: Vec<&str> = ["simd", "flex", "ndarray"].into_iter().filter(usable).collect();
    if usable.is_empty() {
        assert!(
            std::env::var_os("FRAMEGATE_REQUIRE_TEST_DATA").is_none(),
            "no CPU backend is compiled in"
        );
        println!("skipped: no CPU backend is compiled in");
    }
    usable
}
