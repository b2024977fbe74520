//! Listening: on TCP, and on a Unix socket whose file belongs to this process alone.

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::net::{UnixListener, UnixStream};
use tokio_stream::Stream;
use tokio_stream::wrappers::UnixListenerStream;

/// Who may connect: the owner and the group, which Envoy's user joins.
const MODE: u32 = 0o660;

/// Why a socket cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another process listens on it.
    #[error("another process listens on `{}`: stop it, or choose another path", .0.display())]
    InUse(PathBuf),
    /// Something else is there.
    #[error("`{}` exists and is no socket: remove it, or choose another path", .0.display())]
    NotASocket(PathBuf),
    /// The system refuses.
    #[error("cannot listen on `{}`", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Connections of a Unix socket. Dropping it removes the file, then stops listening, so that a process that takes
/// over never loses a file of its own.
#[derive(Debug)]
pub(super) struct UnixIncoming {
    _file: SocketFile,
    listener: UnixListenerStream,
}

impl UnixIncoming {
    /// Listens on `path`; a file that a dead process left there is replaced.
    pub(super) async fn bind(path: &Path) -> Result<Self, SocketError> {
        clear(path).await?;
        let fail = |source| SocketError::Io {
            path: path.to_owned(),
            source,
        };
        let listener = UnixListener::bind(path).map_err(fail)?;
        let file = SocketFile(path.to_owned());
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE)).map_err(fail)?;
        Ok(Self {
            _file: file,
            listener: UnixListenerStream::new(listener),
        })
    }
}

impl Stream for UnixIncoming {
    type Item = io::Result<UnixStream>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.listener).poll_next(cx)
    }
}

/// Removes a socket file that nobody listens on.
async fn clear(path: &Path) -> Result<(), SocketError> {
    let fail = |source| SocketError::Io {
        path: path.to_owned(),
        source,
    };
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(SocketError::NotASocket(path.to_owned()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(fail(error)),
    }
    match UnixStream::connect(path).await {
        Ok(_) => Err(SocketError::InUse(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(fail)
        }
        Err(error) => Err(fail(error)),
    }
}

#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "cannot remove the socket");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_private_and_removed_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("edge.sock");
        let incoming = UnixIncoming::bind(&path).await.unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        assert!(UnixStream::connect(&path).await.is_ok());
        drop(incoming);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("edge.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let live = UnixIncoming::bind(&path).await.unwrap();
        let second = UnixIncoming::bind(&path).await;
        assert!(matches!(second, Err(SocketError::InUse(_))), "{second:?}");
        assert!(UnixStream::connect(&path).await.is_ok());
        drop(live);
    }

    #[tokio::test]
    async fn a_file_of_another_kind_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "keep").unwrap();
        let outcome = UnixIncoming::bind(&path).await;
        assert!(
            matches!(outcome, Err(SocketError::NotASocket(_))),
            "{outcome:?}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "keep");
    }
}
