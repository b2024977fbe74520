//! Reading Rust as far as the rules of the house need it.

use std::fs;
use std::path::{Path, PathBuf};

/// One Rust file, with comments and texts blanked so that only code is left; lines keep their numbers.
pub(crate) struct Source {
    /// Under its tree: `action/routes.rs`.
    pub(crate) name: String,
    shown: String,
    pub(crate) code: String,
}

impl Source {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            shown: format!("src/{name}"),
            code: blank(text),
        }
    }

    /// The top folder; none for `lib.rs` and `main.rs`, which only name the floors.
    pub(super) fn folder(&self) -> Option<&str> {
        self.name.split_once('/').map(|(folder, _)| folder)
    }

    pub(crate) fn is_under(&self, folder: &str) -> bool {
        Path::new(&self.name).starts_with(folder)
    }

    pub(crate) fn at(&self, line: usize, rule: &str) -> String {
        format!("{}:{line}: {rule}", self.shown)
    }

    pub(super) fn line(&self, number: usize) -> &str {
        self.code.lines().nth(number - 1).unwrap_or_default()
    }

    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.code[..offset].matches('\n').count() + 1
    }

    /// The folders that this file reaches through `crate::`, `crate::{…}` or enough `super::`.
    pub(super) fn crate_imports(&self) -> Vec<(usize, String)> {
        let mut found: Vec<(usize, String)> = Vec::new();
        let roots = self
            .code
            .match_indices("crate::")
            .filter(|(at, _)| self.starts_word(*at));
        for (at, root) in roots {
            for (offset, name) in heads(&self.code, at + root.len()) {
                found.push((self.line_of(offset), name));
            }
        }
        let inline_tests = self.code.find("\nmod tests {").unwrap_or(self.code.len());
        for (at, _) in self
            .code
            .match_indices("super::")
            .filter(|(at, _)| self.starts_word(*at))
        {
            let mut end = at;
            let mut supers = 0;
            while self.code[end..].starts_with("super::") {
                (end, supers) = (end + "super::".len(), supers + 1);
            }
            let depth = self.depth() + usize::from(at > inline_tests);
            if supers >= depth {
                for (offset, name) in heads(&self.code, end) {
                    found.push((self.line_of(offset), name));
                }
            }
        }
        found.sort();
        found
    }

    /// How many modules deep the file is: `action/mod.rs` is one, `action/routes.rs` two.
    pub(super) fn depth(&self) -> usize {
        let parts = self.name.split('/').count();
        if self.name.ends_with("/mod.rs") {
            parts - 1
        } else {
            parts
        }
    }

    pub(super) fn starts_word(&self, at: usize) -> bool {
        !self.code[..at]
            .ends_with(|before: char| before.is_alphanumeric() || matches!(before, '_' | ':' | '.'))
    }

    /// The lines of paths that start at the crate `name`.
    pub(super) fn uses(&self, name: &str) -> Vec<usize> {
        let path = format!("{name}::");
        let starts = self
            .code
            .match_indices(&path)
            .filter(|(at, _)| self.starts_word(*at));
        starts.map(|(at, _)| self.line_of(at)).collect()
    }

    /// The lines that have `word`, whole.
    pub(super) fn words(&self, word: &str) -> Vec<usize> {
        let ends = |at: usize| {
            !self.code[at + word.len()..]
                .starts_with(|after: char| after.is_alphanumeric() || after == '_')
        };
        let found = self.code.match_indices(word).filter(|(at, _)| {
            let before = &self.code[..*at];
            !before.ends_with(|before: char| before.is_alphanumeric() || before == '_') && ends(*at)
        });
        found.map(|(at, _)| self.line_of(at)).collect()
    }

    /// Lines with code, up to the tests; a file of tests has none.
    pub(super) fn code_lines(&self) -> usize {
        let tests = ["tests.rs", "testing.rs"]
            .iter()
            .any(|file| self.name.ends_with(file));
        if tests || self.name.split('/').any(|folder| folder == "tests") {
            return 0;
        }
        let end = self
            .code
            .find("#[cfg(test)]\nmod tests {")
            .unwrap_or(self.code.len());
        self.code[..end]
            .lines()
            .filter(|line| !line.trim().is_empty())
            .count()
    }
}

/// The first names of what follows a `::`, with their offsets: one, or those of a group.
fn heads(code: &str, at: usize) -> Vec<(usize, String)> {
    let name = |from: usize| {
        let rest = &code[from..];
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        (from, rest[..end].to_owned())
    };
    if !code[at..].starts_with('{') {
        return vec![name(at)];
    }
    let (mut found, mut depth, mut fresh) = (Vec::new(), 0_usize, false);
    for (offset, c) in code[at..].char_indices() {
        match c {
            '{' => {
                depth += 1;
                fresh = depth == 1;
            }
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' => fresh = depth == 1,
            c if fresh && !c.is_whitespace() => {
                found.push(name(at + offset));
                fresh = false;
            }
            _ => {}
        }
    }
    found
}

/// The text with every comment and every literal text replaced by spaces; line breaks stay.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => quoted(rest),
            'r' if !code.ends_with(|before: char| before.is_alphanumeric() || before == '_') => {
                raw(rest)
            }
            '\'' => character(rest),
            _ => 0,
        };
        let (blanked, after) = rest.split_at(if skipped == 0 {
            first.len_utf8()
        } else {
            skipped
        });
        if skipped == 0 {
            code.push_str(blanked);
        } else {
            code.extend(blanked.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = after;
    }
    code
}

/// The length of a text in quotes.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(rest.len(), |(at, _)| at + 1)
}

/// The length of a raw text, or nothing if this `r` starts none.
fn raw(rest: &str) -> usize {
    let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
    let Some(body) = rest[1 + hashes..].strip_prefix('"') else {
        return 0;
    };
    let close = format!("\"{}", "#".repeat(hashes));
    body.find(&close)
        .map_or(rest.len(), |end| 2 + hashes + end + close.len())
}

/// The length of a character, or nothing if this is a lifetime.
fn character(rest: &str) -> usize {
    let mut inner = rest[1..].chars();
    match (inner.next(), inner.next()) {
        (Some('\\'), Some(_)) => rest[3..].find('\'').map_or(0, |end| end + 4),
        (Some(c), Some('\'')) => c.len_utf8() + 2,
        _ => 0,
    }
}

pub(crate) fn sources(tree: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(tree);
    let mut found = Vec::new();
    walk(&root, &mut |file| {
        if file.extension().is_some_and(|ending| ending == "rs") {
            let name = file.strip_prefix(&root).unwrap().to_str().unwrap();
            let source = Source::new(name, &fs::read_to_string(file).unwrap());
            found.push(Source {
                shown: format!("{tree}/{name}"),
                ..source
            });
        }
    });
    assert!(!found.is_empty(), "nothing under {tree}/");
    found
}

pub(super) fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, visit);
        } else {
            visit(&path);
        }
    }
}
