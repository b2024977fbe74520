//! What the files looked like when they were last read: cheap to take, so that it can be taken often.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The state of every watched file and folder, links followed: an edit in place, an atomic rename and the way
/// Kubernetes swaps a `ConfigMap`'s link all change it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp(BTreeMap<PathBuf, Option<State>>);

/// Device, inode, time of the last change in seconds and nanoseconds, and size.
type State = (u64, u64, i64, i64, u64);

/// Most entries that are stamped, so that a folder that was named by mistake does not cost a core.
const MAX_ENTRIES: usize = 10_000;

impl Stamp {
    /// The state of `paths` and of everything below the folders among them.
    pub fn take<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut stamp = Self::default();
        for path in paths {
            stamp.add(path);
        }
        stamp
    }

    /// Adds the state of one more.
    pub(super) fn add(&mut self, path: &Path) {
        if self.0.len() >= MAX_ENTRIES {
            return;
        }
        let data = std::fs::metadata(path).ok();
        let folder = data.as_ref().is_some_and(std::fs::Metadata::is_dir);
        let state = data.map(|data| {
            (
                data.dev(),
                data.ino(),
                data.mtime(),
                data.mtime_nsec(),
                data.size(),
            )
        });
        let known = self.0.insert(path.to_owned(), state).is_some();
        if folder && !known {
            let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            let visible =
                entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
            for entry in visible {
                self.add(&entry.path());
            }
        }
    }
}
