//! A `CheckRequest` (`envoy.service.auth.v3`), as far as it is read.

use envoy_types::pb::envoy::config::core::v3::Metadata;
use prost::Message as _;

use super::fields::{Malformed, each};

/// The check. Absent stays absent; texts that protobuf writes as nothing are empty.
#[derive(Debug, Default, PartialEq)]
pub(in crate::ext_authz) struct Check<'a> {
    pub(in crate::ext_authz) http: Option<Http<'a>>,
    pub(in crate::ext_authz) source: Option<Source<'a>>,
    pub(in crate::ext_authz) sni: &'a str,
    /// As they stand: the last of two with one key counts.
    pub(in crate::ext_authz) context_extensions: Vec<(&'a str, &'a str)>,
    /// Decoded: Envoy sends any only where it is told to.
    pub(in crate::ext_authz) metadata: Option<Metadata>,
    pub(in crate::ext_authz) route_metadata: Option<Metadata>,
}

/// `AttributeContext.HttpRequest`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::ext_authz) struct Http<'a> {
    pub(in crate::ext_authz) id: &'a str,
    pub(in crate::ext_authz) method: &'a str,
    /// The shape in which Envoy has joined repeated headers. As they stand: the last of two with one key counts.
    pub(in crate::ext_authz) headers: Vec<(&'a str, &'a str)>,
    /// The shape in which headers are as they were received.
    pub(in crate::ext_authz) header_map: Vec<Header<'a>>,
    pub(in crate::ext_authz) path: &'a str,
    pub(in crate::ext_authz) host: &'a str,
    pub(in crate::ext_authz) scheme: &'a str,
    pub(in crate::ext_authz) query: &'a str,
    pub(in crate::ext_authz) fragment: &'a str,
    pub(in crate::ext_authz) size: i64,
    pub(in crate::ext_authz) protocol: &'a str,
    pub(in crate::ext_authz) body: &'a str,
    pub(in crate::ext_authz) raw_body: &'a [u8],
}

/// `HeaderValue` (`envoy.config.core.v3`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::ext_authz) struct Header<'a> {
    pub(in crate::ext_authz) key: &'a str,
    pub(in crate::ext_authz) value: &'a str,
    pub(in crate::ext_authz) raw_value: &'a [u8],
}

/// `AttributeContext.Peer`, without what a client can influence.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::ext_authz) struct Source<'a> {
    /// Of a socket; empty for any other kind of address.
    pub(in crate::ext_authz) address: &'a str,
    pub(in crate::ext_authz) principal: &'a str,
    pub(in crate::ext_authz) certificate: &'a str,
}

/// Headers of a request that has many.
const HEADERS: usize = 32;

impl<'a> Check<'a> {
    /// Reads a whole message.
    pub(in crate::ext_authz) fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut check = Self::default();
        each(message, |number, field| match number {
            1 => check.attributes(field.bytes()?),
            _ => Ok(()),
        })?;
        Ok(check)
    }

    fn attributes(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        each(message, |number, field| match number {
            1 => {
                let source = self.source.get_or_insert_default();
                source.merge(field.bytes()?)
            }
            4 => each(field.bytes()?, |number, field| match number {
                2 => self.http.get_or_insert_default().merge(field.bytes()?),
                _ => Ok(()),
            }),
            10 => {
                self.context_extensions.push(entry(field.bytes()?)?);
                Ok(())
            }
            11 => merge(&mut self.metadata, field.bytes()?),
            12 => each(field.bytes()?, |number, field| {
                if number == 1 {
                    self.sni = field.text()?;
                }
                Ok(())
            }),
            13 => merge(&mut self.route_metadata, field.bytes()?),
            _ => Ok(()),
        })
    }
}

impl<'a> Http<'a> {
    fn merge(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        each(message, |number, field| {
            match number {
                1 => self.id = field.text()?,
                2 => self.method = field.text()?,
                3 => {
                    if self.headers.is_empty() {
                        self.headers.reserve(HEADERS);
                    }
                    self.headers.push(entry(field.bytes()?)?);
                }
                4 => self.path = field.text()?,
                5 => self.host = field.text()?,
                6 => self.scheme = field.text()?,
                7 => self.query = field.text()?,
                8 => self.fragment = field.text()?,
                9 => self.size = field.int()?,
                10 => self.protocol = field.text()?,
                11 => self.body = field.text()?,
                12 => self.raw_body = field.bytes()?,
                13 => self.add_headers(field.bytes()?)?,
                _ => {}
            }
            Ok(())
        })
    }

    fn add_headers(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        self.header_map.reserve(HEADERS);
        each(message, |number, field| {
            if number == 1 {
                self.header_map.push(Header::read(field.bytes()?)?);
            }
            Ok(())
        })
    }
}

impl<'a> Header<'a> {
    fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut header = Self::default();
        each(message, |number, field| {
            match number {
                1 => header.key = field.text()?,
                2 => header.value = field.text()?,
                3 => header.raw_value = field.bytes()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(header)
    }
}

impl<'a> Source<'a> {
    fn merge(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        each(message, |number, field| {
            match number {
                1 => self.locate(field.bytes()?)?,
                4 => self.principal = field.text()?,
                5 => self.certificate = field.text()?,
                _ => {}
            }
            Ok(())
        })
    }

    /// One of three kinds of address; the last one counts, and only a socket has an IP.
    fn locate(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        each(message, |number, field| match number {
            1 => each(field.bytes()?, |number, field| {
                if number == 2 {
                    self.address = field.text()?;
                }
                Ok(())
            }),
            2 | 3 => {
                self.address = "";
                Ok(())
            }
            _ => Ok(()),
        })
    }
}

/// One entry of a map of texts.
fn entry(message: &[u8]) -> Result<(&str, &str), Malformed> {
    let (mut key, mut value) = ("", "");
    each(message, |number, field| {
        match number {
            1 => key = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok((key, value))
}

fn merge(metadata: &mut Option<Metadata>, message: &[u8]) -> Result<(), Malformed> {
    let metadata = metadata.get_or_insert_default();
    metadata.merge(message).map_err(|_error| Malformed)
}

#[cfg(test)]
mod tests;
