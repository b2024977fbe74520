//! Which media types are JSON in UTF-8 (RFC 9110, section 8.3; RFC 8259, section 11).

/// Which media types are read as JSON. Another type, or a parameter other than `charset=utf-8`, may make the upstream read
/// something else in the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::action) enum Accepts {
    /// `application/json` alone.
    Json,
    /// And `application/…+json` (RFC 6839, section 3.1).
    JsonAndSuffix,
}

impl Accepts {
    /// Whether a body of this `content-type` is read.
    pub(super) fn admits(self, content_type: &str) -> bool {
        let (essence, charset) = match content_type.split_once(';') {
            Some((essence, parameter)) => (essence, Some(trim(parameter))),
            None => (content_type, None),
        };
        self.is_json(&trim(essence).to_ascii_lowercase()) && charset.is_none_or(is_utf_8)
    }

    /// What the log says of any other.
    pub(super) const fn wants(self) -> &'static str {
        match self {
            Self::Json => "`content-type` is not `application/json`, alone or with `charset=utf-8`",
            Self::JsonAndSuffix => {
                "`content-type` is neither `application/json` nor `application/…+json`, alone or with `charset=utf-8`"
            }
        }
    }

    fn is_json(self, essence: &str) -> bool {
        let Some(subtype) = essence.strip_prefix("application/") else {
            return false;
        };
        match subtype.strip_suffix("+json") {
            Some(name) => self == Self::JsonAndSuffix && is_restricted_name(name),
            None => subtype == "json",
        }
    }
}

/// RFC 6838, section 4.2, without what a registered name does not have.
fn is_restricted_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
    name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.bytes().all(allowed)
}

/// One parameter, and that.
fn is_utf_8(parameter: &str) -> bool {
    let parameter = parameter.to_ascii_lowercase();
    parameter == "charset=utf-8" || parameter == "charset=\"utf-8\""
}

/// Without the white space that may stand around a parameter (RFC 9110, section 5.6.6).
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}
