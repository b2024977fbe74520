//! A Valkey of the bench's own, on the servers' core, which has every write on the disk before it acknowledges it.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use super::cores::Cores;
use super::find_valkey;
use super::served::Process;

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server, ended when it is dropped.
pub(crate) struct Valkey {
    pub(crate) url: String,
    _process: Process,
}

impl Valkey {
    pub(crate) fn start(cores: Cores, folder: &Path) -> Result<Self> {
        let program = find_valkey::program().map_err(|cause| anyhow!(cause))?;
        let address = free()?;
        let port = address.port();
        let text = format!(
            "port {port}\nbind 127.0.0.1\nsave \"\"\nappendonly yes\nappendfsync always\nmaxmemory-policy noeviction\n"
        );
        fs::write(folder.join("valkey.conf"), text)?;
        let mut command = Command::new(program);
        command
            .arg("valkey.conf")
            .current_dir(folder)
            .stdout(Stdio::null());
        let process = Process::start(cores, &mut command, folder)?;
        listens(address)?;
        Ok(Self {
            url: format!("redis://{address}"),
            _process: process,
        })
    }
}

/// An address that nobody listens on.
pub(crate) fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Waits until somebody listens.
pub(crate) fn listens(address: SocketAddr) -> Result<()> {
    let since = Instant::now();
    while TcpStream::connect(address).is_err() {
        ensure!(since.elapsed() < PATIENCE, "nobody listens on {address}");
        sleep(Duration::from_millis(10));
    }
    Ok(())
}
