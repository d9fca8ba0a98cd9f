//! `yaoban-hub`: see `yaoban-hub help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    yaoban_hub::cli::main()
}
