//! Starts a server, sends it one image by HTTP, prints the answer and shuts the server down.
//!
//! ```sh
//! cargo run --example serve                     # on any free port
//! cargo run --example serve -- 127.0.0.1:8000
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use framegate::{Server, ServerOptions};
use tokio::sync::oneshot;
use tokio::time::sleep;

/// A JPEG to ask about.
const IMAGE: &[u8] = include_bytes!("../docs/codes.jpg");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let address: SocketAddr = address.parse()?;
    let server = Server::bind(ServerOptions { address, ..ServerOptions::default() }).await?;
    let url = format!("http://{}", server.address());
    println!("serving at {url}");

    let (shut_down, shutdown) = oneshot::channel();
    let serving = tokio::spawn(server.run(async {
        // A sender that is gone shuts the server down as well.
        let _: Result<(), _> = shutdown.await;
    }));
    // The server answers at once, but takes frames only when the model is loaded.
    while !serving.is_finished()
        && !reqwest::get(format!("{url}/readyz")).await?.status().is_success()
    {
        sleep(Duration::from_millis(20)).await;
    }
    let client = reqwest::Client::new();
    let answer = client.post(format!("{url}/infer")).body(IMAGE).send().await?;
    println!("{}", answer.text().await?);

    drop(client);
    let _ = shut_down.send(());
    serving.await??;
    Ok(())
}
