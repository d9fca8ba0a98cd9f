//! `yaoban-hub serve`.

use std::io::Write as _;
use std::net::SocketAddr;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::{CliError, DataArgs};
use crate::serve::run::serve;

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Where to listen; port 0 takes a free one. The address is printed.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// What to log (to standard error, as JSON), for example `info` or `yaoban_hub=debug`.
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
}

/// Runs `serve` until SIGINT or SIGTERM.
pub fn run(args: &ServeArgs) -> Result<(), CliError> {
    let filter =
        EnvFilter::try_new(&args.log).map_err(|error| CliError::Refused(format!("--log: {error}")))?;
    let database = args.data.open()?;
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Refused(format!("the system gave no threads: {error}")))?;
    runtime
        .block_on(serve(database, args.listen, announce))
        .map_err(CliError::refused)
}

fn announce(url: &str, fingerprint: &str) {
    // A closed standard output is no reason to stop serving.
    let mut out = std::io::stdout();
    let _ = writeln!(out, "listening on {url}\nfingerprint {fingerprint}").and_then(|()| out.flush());
}
