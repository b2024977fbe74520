//! Policy files that were decoded and let go: as a tree a file takes many times the room of its text, and hardly anything is said
//! about it later. When something is, it is read again.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::problem::Sources;
use super::yaml::Document;

/// Files by their index, in the order in which they were added.
pub(super) struct Documents<'s> {
    sources: &'s Sources,
    files: Vec<(PathBuf, OnceCell<Option<Document>>)>,
}

impl<'s> Documents<'s> {
    /// None yet, of files whose texts these are.
    pub(super) const fn of(sources: &'s Sources) -> Self {
        Self {
            sources,
            files: Vec::new(),
        }
    }

    /// What a file says.
    pub(super) fn text(&self, file: &Path) -> &'s str {
        self.sources.get(file).map_or("", String::as_str)
    }

    /// The index of the next file.
    pub(super) const fn next(&self) -> usize {
        self.files.len()
    }

    /// Adds a file that could be read.
    pub(super) fn add(&mut self, file: &Path) {
        self.files.push((file.to_owned(), OnceCell::new()));
    }

    /// The document with this index, read from the very text that it was decoded from.
    pub(super) fn get(&self, index: usize) -> Option<&Document> {
        let (file, again) = self.files.get(index)?;
        let read = || Document::read(file, self.text(file)).ok();
        again.get_or_init(read).as_ref()
    }
}
