//! The foreign client: `joserfc`, in a Python process of its own.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::tools;

/// The library that makes proofs.
const LIBRARY: &str = "joserfc==1.8.0";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/proof/client.py");

/// A client with a key for every name that it is asked under.
pub(crate) struct Prover {
    process: RefCell<Process>,
}

struct Process {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Prover {
    pub(crate) fn start() -> Self {
        let python = tools::python_with(&[LIBRARY]).unwrap_or_else(|error| panic!("{error}"));
        let mut child = Command::new(python)
            .arg(SCRIPT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let questions = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self {
            process: RefCell::new(Process {
                child,
                questions,
                answers,
            }),
        }
    }

    /// The thumbprint of a client's key: what its tokens are bound to.
    pub(crate) fn thumbprint(&self, client: &str, alg: &str) -> String {
        let proof = Wanted {
            client,
            alg,
            ..Wanted::of("GET", "https://example.com/", "x")
        };
        self.ask(&proof)["thumbprint"].as_str().unwrap().to_owned()
    }

    /// A proof.
    pub(crate) fn proof(&self, wanted: &Wanted<'_>) -> String {
        self.ask(wanted)["proof"].as_str().unwrap().to_owned()
    }

    fn ask(&self, wanted: &Wanted<'_>) -> Value {
        let Wanted {
            client,
            alg,
            method,
            url,
            token,
            claims,
        } = wanted;
        let question = json!({
            "client": client, "alg": alg, "method": method, "url": url, "token": token, "claims": claims
        });
        let process = &mut *self.process.borrow_mut();
        writeln!(process.questions, "{question}").unwrap();
        let mut answer = String::new();
        process.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{SCRIPT}: {error}"))
    }
}

impl Drop for Prover {
    fn drop(&mut self) {
        let process = self.process.get_mut();
        drop(process.child.kill());
        drop(process.child.wait());
    }
}

/// What a proof is to say.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) client: &'a str,
    pub(crate) alg: &'a str,
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    pub(crate) token: &'a str,
    /// What differs from what a well-behaved client writes.
    pub(crate) claims: Value,
}

impl<'a> Wanted<'a> {
    /// A proof of the client `web` for this request.
    pub(crate) fn of(method: &'a str, url: &'a str, token: &'a str) -> Self {
        Self {
            client: "web",
            alg: "ES256",
            method,
            url,
            token,
            claims: json!({}),
        }
    }

    /// With this nonce.
    pub(crate) fn nonce(self, nonce: &str) -> Self {
        self.claim("nonce", json!(nonce))
    }

    /// With another value of a claim; null leaves it out.
    pub(crate) fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims[name] = value;
        self
    }
}
