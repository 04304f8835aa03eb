//! Ctrl-c in a command that takes a while: the first asks it to end with what it has, the second ends it
//! at once.

use std::thread;

use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use super::CommandError;
use super::signals::Signals;
use crate::stop::StopFlag;

/// Exit status of a program that ctrl-c has ended, as shells have it.
const INTERRUPTED: i32 = 130;

/// The first ctrl-c, or SIGTERM, for code that looks and for code that waits.
pub(super) struct Interrupt {
    pub(super) stop: StopFlag,
    pub(super) token: CancellationToken,
}

/// Listens from now on.
pub(super) fn listen() -> Result<Interrupt, CommandError> {
    let runtime =
        Builder::new_current_thread().enable_io().build().map_err(CommandError::Runtime)?;
    let mut signals = {
        let _context = runtime.enter();
        Signals::new().map_err(CommandError::Runtime)?
    };
    let interrupt = Interrupt { stop: StopFlag::new(), token: CancellationToken::new() };
    let (stop, token) = (interrupt.stop.clone(), interrupt.token.clone());
    let waiting = async move {
        signals.next().await;
        stop.set();
        token.cancel();
        tracing::warn!("ending early; once more to end at once");
        signals.next().await;
        #[expect(clippy::disallowed_methods, reason = "a second signal means now, not in order")]
        std::process::exit(INTERRUPTED);
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(waiting))
        .map_err(CommandError::Runtime)?;
    Ok(interrupt)
}
