//! Certificates for the mutual TLS listener: a CA that is thrown away, Envoy's certificate, and those of two workloads.
//!
//! Made anew by every demo. The tests include this file with `#[path]`.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};

/// How long a certificate is good for.
const LIFETIME: Duration = Duration::from_hours(24 * 7);

/// The host that `server.pem` is for.
pub(crate) const SERVER: &str = "api.example.com";

/// The workloads that have a certificate (SPIFFE IDs), by the name of its file: the CI's runner and the vault's automation.
const WORKLOADS: [(&str, &str); 2] = [
    (RUNNER, "spiffe://example.org/ci/runner"),
    (VAULT_BOT, "spiffe://example.org/vault-bot"),
];
/// The file of the CI's runner.
pub(crate) const RUNNER: &str = "client";
/// The file of the vault's automation.
pub(crate) const VAULT_BOT: &str = "vault-bot";

/// Writes `ca.pem`, and certificate and key of the server and of each workload, into `folder`, which is made if it is missing.
pub(crate) fn write(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let ca = CertifiedIssuer::self_signed(authority(), KeyPair::generate()?)?;
    fs::write(folder.join("ca.pem"), ca.pem())?;
    let server = SanType::DnsName(SERVER.try_into()?);
    leaf(
        folder,
        "server",
        server,
        ExtendedKeyUsagePurpose::ServerAuth,
        &ca,
    )?;
    for (name, id) in WORKLOADS {
        let holder = SanType::URI(id.try_into()?);
        leaf(
            folder,
            name,
            holder,
            ExtendedKeyUsagePurpose::ClientAuth,
            &ca,
        )?;
    }
    Ok(())
}

fn authority() -> CertificateParams {
    let mut params = named("countersign demo CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf(
    folder: &Path,
    name: &str,
    holder: SanType,
    usage: ExtendedKeyUsagePurpose,
    ca: &CertifiedIssuer<'_, KeyPair>,
) -> anyhow::Result<()> {
    let mut params = named(name);
    params.subject_alt_names = vec![holder];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate()?;
    fs::write(
        folder.join(format!("{name}.pem")),
        params.signed_by(&key, ca)?.pem(),
    )?;
    write_private(&folder.join(format!("{name}.key")), &key.serialize_pem())
}

/// Only the owner may read it, from the first byte on.
fn write_private(path: &Path, content: &str) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause.into()),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    Ok(file.write_all(content.as_bytes())?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a certificate is dated from now; no request is decided here"
)]
fn named(name: &str) -> CertificateParams {
    let now = std::time::SystemTime::now();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    // An hour back, for a machine whose clock is behind.
    params.not_before = (now - Duration::from_hours(1)).into();
    params.not_after = (now + LIFETIME).into();
    params
}
