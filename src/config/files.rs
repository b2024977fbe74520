//! Which files a configuration names, their texts, and what names them all.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::problem::{Problem, Problems, Sources};
use crate::keys::digest;

/// Ending of files that hold only tests.
const TESTS: &str = ".test.yaml";

/// The files that were read, by kind.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) policies: Vec<PathBuf>,
    pub(super) tests: Vec<PathBuf>,
}

/// The policy and test files under `listed`: files as they are, folders with every `.yaml` and `.yml` below them, in
/// the order of their names. Names that start with `.` are skipped: Kubernetes keeps a `ConfigMap`'s versions there.
pub(super) fn find(listed: &[PathBuf], problems: &mut Problems) -> Files {
    let mut files = Files::default();
    for path in listed {
        match std::fs::metadata(path) {
            Ok(data) if data.is_dir() => walk(path, &mut files, problems, 0),
            Ok(_) => files.add(path.clone()),
            Err(error) => problems.push(missing(path, &error)),
        }
    }
    files
}

/// Deepest nesting of policy folders.
const MAX_DEPTH: usize = 16;

fn walk(folder: &Path, files: &mut Files, problems: &mut Problems, depth: usize) {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<PathBuf> = match entries {
        Ok(entries) if depth < MAX_DEPTH => entries.iter().map(std::fs::DirEntry::path).collect(),
        Ok(_) => {
            return problems.push(Problem::error(
                "too-deep",
                folder,
                "policy folders are nested too deep",
            ));
        }
        Err(error) => return problems.push(missing(folder, &error)),
    };
    paths.sort();
    let hidden = |path: &PathBuf| {
        path.file_name()
            .is_none_or(|name| name.to_string_lossy().starts_with('.'))
    };
    for path in paths.into_iter().filter(|path| !hidden(path)) {
        let yaml = path
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml");
        match std::fs::metadata(&path) {
            Ok(data) if data.is_dir() => walk(&path, files, problems, depth + 1),
            Ok(_) if yaml => files.add(path),
            Ok(_) => {}
            Err(error) => problems.push(missing(&path, &error)),
        }
    }
}

impl Files {
    fn add(&mut self, path: PathBuf) {
        let is_test = path.to_string_lossy().ends_with(TESTS);
        let list = if is_test {
            &mut self.tests
        } else {
            &mut self.policies
        };
        if !list.contains(&path) {
            list.push(path);
        }
    }
}

/// Reads `path`, whose text is kept for snippets.
pub(super) fn read<'s>(path: &Path, sources: &'s mut Sources) -> Result<&'s str, Vec<Problem>> {
    let text = std::fs::read_to_string(path).map_err(|error| vec![missing(path, &error)])?;
    sources.insert(path.to_owned(), text);
    Ok(sources.get(path).map_or("", String::as_str))
}

fn missing(path: &Path, error: &std::io::Error) -> Problem {
    Problem::error(
        "unreadable-file",
        path,
        format!("cannot read `{}`: {error}", path.display()),
    )
}

/// `path`, seen from the folder of the file that names it.
pub(super) fn beside(file: &Path, path: &str) -> PathBuf {
    file.parent().unwrap_or_else(|| Path::new("")).join(path)
}

/// A digest of every file that was read, seen from the configuration's folder, so that replicas that mount the same
/// files in different places have the same version; and of the keys that tokens are minted with, by their ids. The first
/// 12 digits name it.
pub(super) fn version(config: &Path, sources: &Sources, kids: &[&str]) -> Arc<str> {
    let folder = config.parent().unwrap_or_else(|| Path::new(""));
    let named = |file: &Path| {
        file.strip_prefix(folder)
            .unwrap_or(file)
            .display()
            .to_string()
    };
    let parts: Vec<(String, &str)> = sources
        .iter()
        .map(|(file, text)| (named(file), text.as_str()))
        .collect();
    let whole = digest(
        parts
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_bytes()))
            .chain(kids.iter().map(|kid| ("token", kid.as_bytes()))),
    );
    Arc::from(whole.get(..12).unwrap_or(&whole))
}
