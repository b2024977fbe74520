//! A form that is posted, and who posts it.

use std::fmt;

/// The fields of a form, and the client that authenticates itself beside it. Neither is ever printed.
#[derive(Clone, Copy)]
pub struct Form<'a> {
    /// Names and values, in this order.
    pub fields: &'a [(&'a str, &'a str)],
    /// A client's id and secret for HTTP Basic authentication.
    pub basic: Option<(&'a str, &'a str)>,
}

impl Form<'_> {
    /// The body (`application/x-www-form-urlencoded`).
    pub(super) fn body(&self) -> String {
        let mut body = String::new();
        for (name, value) in self.fields {
            if !body.is_empty() {
                body.push('&');
            }
            encode(name, &mut body);
            body.push('=');
            encode(value, &mut body);
        }
        body
    }

    /// Id and secret, each encoded before a colon joins them (RFC 6749, section 2.3.1 and appendix B).
    pub(super) fn basic(&self) -> Option<(String, String)> {
        let encoded = |text| {
            let mut out = String::new();
            encode(text, &mut out);
            out
        };
        self.basic
            .map(|(id, secret)| (encoded(id), encoded(secret)))
    }
}

impl fmt::Debug for Form<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Form(…)")
    }
}

/// A space becomes `+`, and whatever is neither a letter, a digit nor one of `*-._` two hexadecimal digits.
fn encode(text: &str, out: &mut String) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => {
                let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or('0');
                out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_value_ends_it_early() {
        let form = Form {
            fields: &[
                ("token", "a+b/c==&x=1"),
                ("token_type_hint", "access_token"),
            ],
            basic: Some(("s6B:hd", "ä p&ss+word")),
        };
        assert_eq!(
            form.body(),
            "token=a%2Bb%2Fc%3D%3D%26x%3D1&token_type_hint=access_token"
        );
        let expected = ("s6B%3Ahd".to_owned(), "%C3%A4+p%26ss%2Bword".to_owned());
        assert_eq!(form.basic(), Some(expected));
        assert_eq!(format!("{form:?}"), "Form(…)");
    }
}
