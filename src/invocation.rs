//! How the program was started: to start it again, and to show it in reports.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// A program inside another one, as in the Python package.
#[derive(Debug)]
struct Hosted {
    command: Vec<OsString>,
    arguments: Vec<OsString>,
}

static HOSTED: OnceLock<Hosted> = OnceLock::new();

/// Says that this program has no executable of its own: it is started by `command`, and has now been started with
/// these arguments. Only the first call counts.
pub fn host(command: Vec<OsString>, arguments: Vec<OsString>) {
    let _first = HOSTED.set(Hosted { command, arguments });
}

/// The arguments of the program, without its name.
pub(crate) fn arguments() -> Vec<OsString> {
    match HOSTED.get() {
        Some(hosted) => hosted.arguments.clone(),
        None => env::args_os().skip(1).collect(),
    }
}

/// Starts the program once more, with arguments to be added.
pub(crate) fn again() -> Command {
    match HOSTED.get().map(|hosted| hosted.command.as_slice()) {
        Some([program, arguments @ ..]) => {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
        _ => Command::new(program(env::current_exe().ok(), env::args_os().next())),
    }
}

/// Starts the program once more in the same process with a variable that a library reads only at the start, unless
/// the variable is set.
///
/// To be called before there are threads. Where it cannot be done, the program simply goes on.
#[cfg(target_os = "linux")]
pub(crate) fn restart_with(variable: &str, value: &str) {
    use std::os::unix::process::CommandExt;

    let mut arguments = env::args_os();
    if env::var_os(variable).is_some() {
        return;
    }
    let (Some(name), Ok(program)) = (arguments.next(), env::current_exe()) else { return };
    let _failure = Command::new(program).arg0(name).args(arguments).env(variable, value).exec();
}

/// This program: as the system knows it, or, where that cannot be asked (without /proc), as it was called.
fn program(known: Option<PathBuf>, called: Option<OsString>) -> PathBuf {
    known.or(called.map(PathBuf::from)).unwrap_or_else(|| PathBuf::from("framegate"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_program_is_found_without_proc() {
        let called = || Some(OsString::from("./framegate"));
        assert_eq!(program(Some("/bin/framegate".into()), called()), Path::new("/bin/framegate"));
        assert_eq!(program(None, called()), Path::new("./framegate"));
        assert_eq!(program(None, None), Path::new("framegate"));
    }
}
