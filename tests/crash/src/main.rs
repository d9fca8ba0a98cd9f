//! `crash`: what `make crash` runs. Prints how far it is, what did not hold, and one closing line.

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    yaoban_crash::full::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("the file calls are stood in for on Linux only");
    std::process::ExitCode::FAILURE
}
