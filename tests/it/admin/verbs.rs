//! The verbs of operators over TLS: `--ca` says who vouches for the server, and nobody else is believed.

use crate::harness::{Authority, Ran, Server, Setup, run};

const TOKEN: &str = "0f5a4e1c9b7d3826f0e1d2c3b4a59687";
const NOBODY: &str = "  # access: [{ name: ops, token: { file: ops.token } }]";

fn start(authority: &Authority) -> Server {
    let section = "  url: https://127.0.0.1
  tls: { certificate: tls/server.pem, key: tls/server.key }
  access: [{ name: ops, token: { file: ops.token } }]";
    let setup = Setup::new().replacing(NOBODY, section);
    setup.write("ops.token", TOKEN);
    setup.write_pair(&authority.local_server());
    setup.write("ours.pem", &authority.pem());
    setup.write("theirs.pem", &Authority::new("theirs").pem());
    setup.start()
}

fn verb(server: &Server, more: &[&str]) -> Ran {
    let admin = format!("https://{}", server.admin());
    let verb = [
        "conditions",
        "list",
        "--token-file",
        "ops.token",
        "--admin",
        &admin,
    ];
    run(server.setup.folder(), verb.iter().chain(more))
}

#[test]
fn a_server_is_believed_whom_the_named_authority_vouches_for() {
    let server = start(&Authority::new("ours"));
    let listed = verb(&server, &["--ca", "ours.pem"]);
    assert_eq!(listed.exit, 0, "{listed:?}");
    assert!(listed.stdout.contains("incident"), "{listed:?}");
    // Not without it, as the system knows no such authority; and not with another one.
    for more in [&[][..], &["--ca", "theirs.pem"]] {
        let refused = verb(&server, more);
        assert_eq!(refused.exit, 1, "{more:?} {refused:?}");
        assert_eq!(refused.stdout, "", "{refused:?}");
        assert!(!refused.stderr.contains(TOKEN), "{refused:?}");
    }
    let missing = verb(&server, &["--ca", "nowhere.pem"]);
    assert_eq!(missing.exit, 1, "{missing:?}");
    assert!(missing.stderr.contains("nowhere.pem"), "{missing:?}");
    // Nobody is asked in clear.
    let admin = format!("http://{}", server.admin());
    let plain = run(
        server.setup.folder(),
        ["conditions", "--token-file", "ops.token", "--admin", &admin],
    );
    assert_eq!(plain.exit, 1, "{plain:?}");
}
