//! `countersign identities`: every identity that is registered and every one that was seen.

use anyhow::{Context, Result};

use super::inventory::{Row, rows};
use super::output::{load_or_say, print, say_error};
use super::{Exit, IdentitiesArgs};
use crate::config::{Bundle, Overrides};
use crate::ext_authz::now;
use crate::model::time::Timestamp;
use crate::store::{SeenRecord, Store};

pub(super) fn run(args: &IdentitiesArgs) -> Exit {
    let overrides = Overrides {
        store: args.store.clone(),
        ..Overrides::default()
    };
    let bundle = match load_or_say(&args.config.config, &overrides, args.json) {
        Ok(bundle) => bundle,
        Err(exit) => return exit,
    };
    let seen = match seen(&bundle) {
        Ok(seen) => seen,
        Err(error) => {
            say_error(&format!("{error:#}"), args.json);
            return Exit::Failed;
        }
    };
    let now = now();
    let mut rows = rows(&bundle.registry, &bundle.lifecycle, seen, now);
    rows.retain(|row| args.selects(row, now));
    if args.json {
        let rows: Vec<_> = rows.iter().map(Row::to_json).collect();
        print(format_args!("{:#}\n", serde_json::Value::from(rows)));
    } else {
        print(table(&rows));
    }
    Exit::Ok
}

/// What the store remembers; reading it makes no file.
fn seen(bundle: &Bundle) -> Result<Vec<SeenRecord>> {
    if !bundle.store.is_lasting() {
        eprintln!("note: there is no `store.file`, so that nothing is remembered of who was seen");
        return Ok(Vec::new());
    }
    if let Some(file) = bundle.store.file()
        && !file.try_exists().unwrap_or(true)
    {
        eprintln!(
            "note: `{}` is not there yet: nobody was seen",
            file.display()
        );
        return Ok(Vec::new());
    }
    let store = Store::open(&bundle.store)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(store.seen()).context("reading the store")
}

impl IdentitiesArgs {
    fn selects(&self, row: &Row, now: Timestamp) -> bool {
        let Self {
            config: _,
            store: _,
            kind,
            stale,
            warned,
            json: _,
        } = self;
        let of_kind = kind.as_ref().is_none_or(|kind| *kind == row.kind);
        let unused = stale.is_none_or(|stale| {
            let oldest = now.minus(stale.get());
            row.last_used.is_none_or(|last| last < oldest)
        });
        of_kind && unused && (!warned || !row.warnings.is_empty())
    }
}

/// Columns as wide as what stands in them.
fn table(rows: &[Row]) -> String {
    let mut lines = vec![Row::HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let mut widths = [0; Row::HEAD.len()];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(widths);
        let padded: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}
