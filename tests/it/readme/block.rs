//! The fenced blocks of a page.

use std::path::PathBuf;

/// What is done with a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// `console`: run in a copy of the configuration.
    Offline,
    /// `console up`: brings the demo up and stays.
    Up,
    /// `console demo`: run in the project's folder while the demo is up.
    Demo,
    /// `console tests`: the command that runs this very test.
    Tests,
    /// `yaml PATH`: written to that path of the copy, and loaded.
    File(PathBuf),
    /// `yaml envoy`: part of Envoy's configuration.
    Envoy,
    /// `yaml mcp`: a policy with an MCP route, loaded beside the others.
    Mcp,
    /// `yaml minted`, `python verifier`: a policy that demands a token, and who verifies it; `tests/it/minted/page.rs` runs
    /// both.
    Minted,
    /// `conf valkey`: settings of a Valkey, which `tests/it/valkey/page.rs` runs.
    Valkey,
    /// `yaml mutual`: the two sides of mutual TLS, which `tests/it/envoy/mutual.rs` runs.
    Mutual,
}

/// A fenced block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) usage: Use,
    pub(super) text: String,
    /// Where it begins, for messages.
    pub(super) line: usize,
}

/// All of them; panics on one that nothing would be done with.
pub(super) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => blocks.push(block),
            (Some(info), None) => {
                open = Some(Block {
                    usage: usage(info).unwrap_or_else(|| panic!("line {}: `{info}`", index + 1)),
                    text: String::new(),
                    line: index + 1,
                });
            }
            (None, Some(mut block)) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block has no end");
    blocks
}

fn usage(info: &str) -> Option<Use> {
    Some(match info {
        "console" => Use::Offline,
        "console up" => Use::Up,
        "console demo" => Use::Demo,
        "console tests" => Use::Tests,
        "yaml envoy" => Use::Envoy,
        "yaml mcp" => Use::Mcp,
        "yaml minted" | "python verifier" => Use::Minted,
        "yaml mutual" => Use::Mutual,
        "conf valkey" => Use::Valkey,
        _ => Use::File(
            info.strip_prefix("yaml config/")
                .map(|path| PathBuf::from("config").join(path))?,
        ),
    })
}
