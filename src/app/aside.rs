//! Work that nobody waits for: it gives way to those who answer.

use std::io;
use std::thread::Builder;

use tokio::sync::oneshot;

/// Runs `work` on a thread of its own; an error if there is none to be had, or if it panics. Where a processor is short, the
/// threads that answer checks come first: a large policy takes a tenth of a second to compile, and longer than any check to forget.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (done, result) = oneshot::channel();
    Builder::new().name("aside".to_owned()).spawn(move || {
        give_way();
        // Whoever has asked may have gone.
        let _heard = done.send(work());
    })?;
    result.await.map_err(io::Error::other)
}

/// Lowers the priority of the calling thread. Linux counts priorities by thread; elsewhere it would be the whole process's.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, LOW) {
        tracing::debug!(%error, "a thread keeps its priority");
    }
}

/// A nice value at which a thread gets about a tenth of what one that answers does, if both want to run.
#[cfg(target_os = "linux")]
const LOW: i32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_runs_aside_comes_after_others() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let (before, aside) = (priority(), aside(priority).await.unwrap());
        assert!(aside >= LOW && aside > before, "{before} {aside}");
        assert_eq!(priority(), before, "nobody else is slower for it");
    }

    #[tokio::test]
    async fn a_panic_aside_is_an_error() {
        let panics = || if true { panic!("aside") } else { 1 };
        assert!(aside(panics).await.is_err());
        assert_eq!(aside(|| 1).await.unwrap(), 1);
    }
}
