//! `framegate serve`: the server, until a signal ends it.

mod descriptors;
mod supervisor;

use tokio::runtime::Runtime;

use super::signals::Signals;
use super::{CommandError, CommandStatus};
use crate::{Server, ServerOptions, logging};

pub(super) fn serve(options: ServerOptions) -> Result<CommandStatus, CommandError> {
    let runtime = Runtime::new().map_err(CommandError::Runtime)?;
    let served = runtime.block_on(run(descriptors::within_limit(options)));
    // What is left over, such as a model still loading, does not delay the end.
    runtime.shutdown_background();
    served.map(|()| CommandStatus::Done)
}

async fn run(options: ServerOptions) -> Result<(), CommandError> {
    let mut signals = Signals::new().map_err(CommandError::Runtime)?;
    let server = Server::bind(options).await?.on_ready(supervisor::ready);
    let watched = tokio::spawn(supervisor::keep_alive());
    // A second signal ends the process at once.
    let shutdown = async move {
        signals.next().await;
        supervisor::stopping();
        tokio::spawn(async move {
            signals.next().await;
            tracing::warn!("ended at once by a second signal");
            logging::flush();
            #[expect(
                clippy::disallowed_methods,
                reason = "a second signal means now, not in order"
            )]
            std::process::exit(1);
        });
    };
    let served = server.run(shutdown).await;
    watched.abort();
    Ok(served?)
}
