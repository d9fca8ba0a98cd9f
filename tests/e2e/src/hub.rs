//! A hub in a directory of its own.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use tempfile::TempDir;

use crate::process::{Finished, program};

/// A hub's data directory with its command line. Goes away with this value.
#[derive(Debug)]
pub struct Hub {
    folder: TempDir,
    address: SocketAddr,
}

impl Hub {
    /// A new, empty hub that will serve on a free loopback port.
    ///
    /// # Panics
    /// If `init` fails.
    pub fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}"));
        let hub = Self {
            folder,
            address: free_address(),
        };
        let url = format!("https://{}", hub.address);
        let _ = hub.run("init", ["--name", name, "--url", &url]).done();
        hub
    }

    /// The data directory.
    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("hub")
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs `yaoban-hub <command> --data DIR <arguments>`; words of the command are split at spaces.
    pub fn run<A: AsRef<OsStr>>(&self, command: &str, arguments: impl IntoIterator<Item = A>) -> Finished {
        Finished::of(&mut self.command(command, arguments))
    }

    /// The same, not started yet.
    pub fn command<A: AsRef<OsStr>>(&self, command: &str, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut process = Command::new(program("yaoban-hub"));
        process
            .args(command.split(' '))
            .arg("--data")
            .arg(self.dir())
            .args(arguments);
        process
    }

    /// Imports those of the seven files that a directory has; prints JSON.
    pub fn import(&self, files: &Path) -> Finished {
        let mut arguments = vec!["--json".into()];
        for kind in [
            "stores",
            "staff",
            "drugs",
            "members",
            "purchases",
            "readings",
            "stock",
        ] {
            let file = files.join(format!("{kind}.csv"));
            if file.exists() {
                arguments.push(format!("--{kind}").into());
                arguments.push(file.into_os_string());
            }
        }
        self.run("import", arguments)
    }

    /// A pairing code for a phone of a store.
    pub fn pair_store(&self, store: &str) -> String {
        self.run("pair", ["--store", store])
            .done()
            .stdout
            .split_whitespace()
            .next_back()
            .unwrap_or_default()
            .to_owned()
    }

    /// `yaoban-hub serve` at this hub's address, not started yet.
    pub fn serve_command(&self) -> Command {
        self.command("serve", ["--listen", &self.address.to_string()])
    }

    /// Starts to serve, and waits until it says that it does.
    ///
    /// # Panics
    /// If it ends instead.
    pub fn serve(&self) -> Serving {
        self.serve_by(&mut self.serve_command())
    }

    /// The same, by a command that ends up as [`Self::serve_command`].
    ///
    /// # Panics
    /// If it ends instead.
    pub fn serve_by(&self, command: &mut Command) -> Serving {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start the hub: {error}"));
        let log = child.stderr.take().map(drain);
        let Some(stdout) = child.stdout.take() else {
            panic!("the hub has no standard output")
        };
        let mut serving = Serving { child, log };
        let mut lines = BufReader::new(stdout).lines();
        let port = self.address.port().to_string();
        let ready = lines
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.contains(&port));
        assert!(ready, "the hub ended before it served:\n{}", serving.end());
        // Keep reading, so that the hub never waits for a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        serving
    }
}

/// A hub that serves; it is killed when this value goes away.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    log: Option<JoinHandle<String>>,
}

impl Serving {
    /// Its process.
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// Ends it at once, as a crash would, and gives what it logged.
    pub fn end(&mut self) -> String {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.log
            .take()
            .and_then(|log| log.join().ok())
            .unwrap_or_default()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reads a stream to its end in the background.
fn drain(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        // What was read until an error is still worth showing.
        let _ = stream.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// A loopback address whose port was free a moment ago.
fn free_address() -> SocketAddr {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
    address.unwrap_or_else(|error| panic!("no free port on loopback: {error}"))
}
