//! Who may change something at the demo's countersign: its configuration is the one in `config/`, and an operator with a token that
//! is made anew whenever the demo comes up. The files in `config/` list nobody.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::up;

/// The configuration that everybody starts from, and the one that the demo runs, from the root of the project.
const SAMPLE: &str = "config/countersign.yaml";
const CONFIG: &str = "target/demo/countersign.yaml";
/// The operator's token.
const TOKEN: &str = "target/demo/ops.token";

/// What is different: an operator, and that files are seen from another folder.
const DIFFERENCES: [(&str, &str); 5] = [
    (
        "  # access: [{ name: ops, token: { file: ops.token } }]",
        "  access: [{ name: ops, token: { file: ops.token } }]",
    ),
    (
        "\nstore: { file: ../target/demo/state.db }\n",
        "\nstore: { file: state.db }\n",
    ),
    (
        "\npolicies: [policies]\n",
        "\npolicies: [../../config/policies]\n",
    ),
    (
        "\nidentities: identities.yaml\n",
        "\nidentities: ../../config/identities.yaml\n",
    ),
    (
        "\nconditions: conditions.yaml\n",
        "\nconditions: ../../config/conditions.yaml\n",
    ),
];

/// Writes token and configuration, and gives the configuration's path from the root of the project.
pub(crate) fn write(root: &Path) -> anyhow::Result<PathBuf> {
    let read = |path: PathBuf| {
        fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))
    };
    let sample = read(root.join(SAMPLE))?;
    let (config, token) = (root.join(CONFIG), root.join(TOKEN));
    if let Some(folder) = config.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut secret = [0; 32];
    aws_lc_rs::rand::fill(&mut secret).context("no randomness")?;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&token)
        .with_context(|| format!("cannot write `{}`", token.display()))?;
    writeln!(file, "{}", URL_SAFE_NO_PAD.encode(secret))?;
    fs::write(&config, with_operator(&sample)?)
        .with_context(|| format!("cannot write `{}`", config.display()))?;
    Ok(PathBuf::from(CONFIG))
}

/// The operator's token, of the demo that is up.
pub(crate) fn token() -> anyhow::Result<String> {
    let path = up::root().join(TOKEN);
    let token = fs::read_to_string(&path)
        .with_context(|| format!("cannot read `{}`; is the demo up?", path.display()))?;
    Ok(token.trim().to_owned())
}

fn with_operator(sample: &str) -> anyhow::Result<String> {
    let mut text = sample.to_owned();
    for (there, here) in DIFFERENCES {
        if text.matches(there).count() != 1 {
            bail!("`{SAMPLE}` does not have `{}` exactly once", there.trim());
        }
        text = text.replace(there, here);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = include_str!("../../config/countersign.yaml");

    #[test]
    fn the_sample_gets_an_operator_and_keeps_everything_else() {
        let text = with_operator(TEXT).unwrap();
        let same = |line: &&str| text.lines().any(|other| other == *line);
        assert_eq!(TEXT.lines().count(), text.lines().count());
        assert_eq!(TEXT.lines().filter(|line| !same(line)).count(), 5);
        assert!(text.contains("\n  access: [{ name: ops"));
    }

    #[test]
    fn a_sample_that_was_changed_is_not_guessed_at() {
        let changed = TEXT.replace("policies: [policies]", "policies: [rules]");
        let error = with_operator(&changed).unwrap_err().to_string();
        assert!(error.contains("policies: [policies]"), "{error}");
    }
}
