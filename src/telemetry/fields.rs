//! How text lines show their fields.

use std::fmt::{self, Write};

use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::debug_fn;

/// The message, then `name=value` of each field. The formatter that `tracing-subscriber` brings writes `%` values as
/// they are, so a line break or an escape sequence in a value could forge a line or drive the terminal.
pub(super) fn escaped() -> impl for<'w> FormatFields<'w> + Send + Sync + 'static {
    debug_fn(|writer, field, value| {
        let mut writer = Escaped(writer);
        match field.name() {
            "message" => write!(writer, "{value:?}"),
            // Where the record came from, said by the line's own columns already.
            name if name.starts_with("log.") => Ok(()),
            name => write!(writer, "{name}={value:?}"),
        }
    })
    .delimited(" ")
}

/// Writes control characters as escapes.
struct Escaped<W>(W);

impl<W: Write> Write for Escaped<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !text.contains(char::is_control) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|c| self.write_char(c))
    }

    fn write_char(&mut self, c: char) -> fmt::Result {
        if c.is_control() {
            write!(self.0, "{}", c.escape_default())
        } else {
            self.0.write_char(c)
        }
    }
}
