//! The keys of one list of files: the first signs, and the others overlap with it.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::SigningKey;
use crate::model::finding::Finding;
use crate::model::list::OneOrMany;

/// Most keys at once: one that signs, and those that overlap with it.
const MAX_KEYS: usize = 8;

/// Every key of the list that can be used, the one that signs first; relative files start at `base`. Everything that is wrong is
/// reported below `keys`, and a private key that everybody can read is warned of.
pub fn load_signing_keys(
    list: &OneOrMany<String>,
    base: &Path,
    findings: &mut Vec<Finding>,
) -> Vec<SigningKey> {
    let files = list.items();
    if files.is_empty() || files.len() > MAX_KEYS {
        let message = format!("there are 1 to {MAX_KEYS} keys, the one that signs first");
        findings.push(Finding::error("token-keys", message).under("keys"));
        return Vec::new();
    }
    let (mut keys, mut known) = (Vec::new(), BTreeSet::new());
    for (index, name) in files.iter().enumerate() {
        let mut found = |finding| findings.push(list.place(index, finding).under("keys"));
        let file = base.join(name);
        match SigningKey::load(&file) {
            Ok(key) if !known.insert(key.kid().to_owned()) => {
                let message = format!("the key of `{name}` stands in the list already");
                found(Finding::error("duplicate-key", message));
            }
            Ok(key) => {
                if is_open(&file) {
                    found(open(name));
                }
                keys.push(key);
            }
            Err(error) => {
                let message = format!("`{name}` gives no key to sign with: {error}");
                found(Finding::error("signing-key", message).help(error.help()));
            }
        }
    }
    keys
}

/// Whether everybody on the machine can read a file.
fn is_open(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|data| data.permissions().mode() & 0o004 != 0)
}

fn open(name: &str) -> Finding {
    let message = format!("every user of this machine can read the private key in `{name}`");
    Finding::warning("readable-key", message).help(
        "`chmod o-r` it; where it comes from a Kubernetes secret, set the volume's `defaultMode: 0440`",
    )
}
