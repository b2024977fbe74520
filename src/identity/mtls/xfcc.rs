//! The header `x-forwarded-client-cert` as Envoy writes it: elements between commas, one for each proxy that added one;
//! `key=value` between semicolons; a value with `,`, `;` or `=` in double quotes, with `\` before what is meant as itself.
//!
//! The left part of the header may be the client's own text. Whatever is not exactly of this shape spoils all of it: a
//! quote that the client opened would otherwise move where the elements of our proxies begin.

use std::iter::Peekable;
use std::str::Chars;

use crate::model::reason::Reason;
use crate::model::verdict::Denial;

/// Longest header in bytes; a chain of certificates has a few thousand, URL-encoded.
const MAX_HEADER: usize = 64 * 1024;
/// Most elements: more proxies than any path of a request has.
const MAX_ELEMENTS: usize = 32;
/// Most fields of an element; a certificate has at most a hundred names.
const MAX_FIELDS: usize = 128;
/// Longest key in bytes; Envoy's longest is `Subject`.
const MAX_KEY: usize = 32;

/// What a proxy says about the peer whose certificate it verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// `Hash`: SHA-256 of the DER in hexadecimal.
    pub(super) hash: Option<String>,
    /// `Cert`: the certificate, URL-encoded PEM.
    pub(super) certificate: Option<String>,
    /// Every `URI`, in order; one that is empty is none.
    pub(super) uris: Vec<String>,
    /// Whether there is a `URI` without a value: Envoy writes one for a certificate that has none.
    no_uri: bool,
    subject: bool,
    chain: bool,
}

/// The elements, the first proxy's first.
pub(super) fn read(header: &str) -> Result<Vec<Element>, Denial> {
    if header.len() > MAX_HEADER {
        return Err(malformed("it is too long"));
    }
    let mut rest = header.chars().peekable();
    let mut elements = Vec::new();
    loop {
        if elements.len() == MAX_ELEMENTS {
            return Err(malformed("it has too many elements"));
        }
        let (element, end) = element(&mut rest)?;
        elements.push(element);
        if end == End::Header {
            return Ok(elements);
        }
    }
}

/// What ended a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Field,
    Element,
    Header,
}

fn element(rest: &mut Peekable<Chars<'_>>) -> Result<(Element, End), Denial> {
    let mut element = Element::default();
    // Whoever joins two lines of a header may put a space behind the comma (RFC 9110, section 5.3).
    while rest.next_if_eq(&' ').is_some() {}
    for _field in 0..MAX_FIELDS {
        let key = key(rest)?;
        let (value, end) = value(rest)?;
        element.keep(&key, value)?;
        if end != End::Field {
            return Ok((element, end));
        }
    }
    Err(malformed("an element has too many fields"))
}

/// Everything up to the `=`, in lower case.
fn key(rest: &mut Peekable<Chars<'_>>) -> Result<String, Denial> {
    let mut key = String::new();
    for letter in rest.by_ref() {
        match letter {
            '=' if !key.is_empty() => return Ok(key),
            letter if letter.is_ascii_alphanumeric() && key.len() < MAX_KEY => {
                key.push(letter.to_ascii_lowercase());
            }
            _ => return Err(malformed("a key is not a word")),
        }
    }
    Err(malformed("a key has no value"))
}

fn value(rest: &mut Peekable<Chars<'_>>) -> Result<(String, End), Denial> {
    let quoted = rest.next_if_eq(&'"').is_some();
    let mut value = if quoted {
        quotation(rest)?
    } else {
        String::new()
    };
    loop {
        match rest.next() {
            None => return Ok((value, End::Header)),
            Some(',') => return Ok((value, End::Element)),
            Some(';') => return Ok((value, End::Field)),
            Some(letter) if !quoted && is_plain(letter) => value.push(letter),
            Some(_) => return Err(malformed("a value has a character that needs quotes")),
        }
    }
}

/// Everything up to the closing quote, which is passed.
fn quotation(rest: &mut Peekable<Chars<'_>>) -> Result<String, Denial> {
    let mut value = String::new();
    while let Some(letter) = rest.next() {
        match letter {
            '"' => return Ok(value),
            '\\' => value.extend(rest.next()),
            letter => value.push(letter),
        }
    }
    Err(malformed("a quote is not closed"))
}

/// What an unquoted value may hold: visible, and no mark of this syntax but `=`, which Envoy leaves in URIs.
const fn is_plain(letter: char) -> bool {
    letter.is_ascii_graphic() && !matches!(letter, '"' | '\\')
}

impl Element {
    /// Envoy writes `URI`, `DNS` and `By` once for every name, and every other key once.
    fn keep(&mut self, key: &str, value: String) -> Result<(), Denial> {
        let repeated = match key {
            "hash" => self.hash.replace(value).is_some(),
            "cert" => self.certificate.replace(value).is_some(),
            "subject" => std::mem::replace(&mut self.subject, true),
            "chain" => std::mem::replace(&mut self.chain, true),
            "uri" if value.is_empty() => std::mem::replace(&mut self.no_uri, true),
            "uri" => {
                self.uris.push(value);
                false
            }
            _ => false,
        };
        if repeated {
            return Err(malformed("an element has a key twice"));
        }
        if self.no_uri && !self.uris.is_empty() {
            // Names stand there as they are, so a DNS name with a semicolon in it could look like a URI.
            return Err(malformed("an element has no URI, and one"));
        }
        Ok(())
    }
}

pub(super) fn malformed(cause: &str) -> Denial {
    let cause = format!("`x-forwarded-client-cert`: {cause}");
    Denial::new(Reason::XfccMalformed).because(cause)
}
