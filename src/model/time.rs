//! Moments. The model has no clock: whoever stands at an edge reads it once and passes it in.

use std::fmt;
use std::time::Duration;

/// A moment in UTC, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From a `NumericDate` (RFC 7519, section 2); saturates far outside any real date.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment `by` later, saturating.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis_of(by)))
    }

    /// The moment `by` earlier, saturating.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(millis_of(by)))
    }

    /// Hour of the day in UTC, 0 to 23.
    pub const fn hour(self) -> i64 {
        self.seconds().rem_euclid(86_400) / 3600
    }

    /// Reads `YYYY-MM-DD` (midnight UTC) or `YYYY-MM-DDTHH:MM:SSZ` (RFC 3339, UTC only).
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = match text.strip_suffix('Z') {
            Some(rest) => rest.split_once('T')?,
            None => (text, "00:00:00"),
        };
        let [year, month, day] = fields(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = fields(time, ':', [2, 2, 2])?;
        let valid = (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        let days = days_from_civil(year, month, day);
        if !valid || civil_from_days(days) != (year, month, day) {
            return None;
        }
        Some(Self::from_seconds(
            days * 86_400 + hour * 3600 + minute * 60 + second,
        ))
    }

    /// Reads a date and time with any offset (RFC 3339, section 5.6), to the millisecond: further digits are cut off. A leap
    /// second is refused.
    pub fn parse_date_time(text: &str) -> Option<Self> {
        let (local, rest) = text.split_at_checked("YYYY-MM-DDTHH:MM:SS".len())?;
        let local = Self::parse(&format!("{local}Z"))?;
        let (millis, offset) = match rest.strip_prefix('.') {
            Some(rest) => {
                let end = rest.find(|c: char| !c.is_ascii_digit())?;
                let (digits, offset) = rest.split_at_checked(end)?;
                (thousandths(digits)?, offset)
            }
            None => (0, rest),
        };
        let east = offset_minutes(offset)?;
        Some(Self(local.0 + millis - east * 60_000))
    }
}

/// Digits after a decimal point, as thousandths.
fn thousandths(digits: &str) -> Option<i64> {
    let three: String = digits.chars().chain("00".chars()).take(3).collect();
    if digits.is_empty() {
        return None;
    }
    three.parse().ok()
}

/// Minutes east of UTC: `Z`, `+HH:MM` or `-HH:MM`.
fn offset_minutes(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, time) = match text.strip_prefix('+') {
        Some(time) => (1, time),
        None => (-1, text.strip_prefix('-')?),
    };
    let [hours, minutes] = fields(time, ':', [2, 2])?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn millis_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn fields<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut read = [0; N];
    for (to, width) in read.iter_mut().zip(widths) {
        let part = parts.next()?;
        let digits = part.len() == width && part.bytes().all(|b| b.is_ascii_digit());
        *to = if digits {
            part.parse().ok()?
        } else {
            return None;
        };
    }
    parts.next().is_none().then_some(read)
}

/// Days since the epoch of a date in the proleptic Gregorian calendar (era arithmetic of 400 years).
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z - era * 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

impl Timestamp {
    /// RFC 3339 with milliseconds, in UTC; none outside the years 0 to 9999, which are all that it can write.
    pub fn rfc3339(self) -> Option<[u8; 24]> {
        let seconds = self.seconds();
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        if !(0..=9999).contains(&year) {
            return None;
        }
        let rest = seconds.rem_euclid(86_400);
        let millis = self.0.rem_euclid(1000);
        let ([y1, y2], [y3, y4]) = (two_digits(year / 100), two_digits(year % 100));
        let ([m1, m2], [d1, d2]) = (two_digits(month), two_digits(day));
        let ([h1, h2], [i1, i2]) = (two_digits(rest / 3600), two_digits(rest / 60 % 60));
        let ([s1, s2], [f1, f2]) = (two_digits(rest % 60), two_digits(millis / 10));
        let [_, f3] = two_digits(millis % 10);
        Some([
            y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2,
            b'.', f1, f2, f3, b'Z',
        ])
    }
}

/// The decimal digits of a number below 100.
const fn two_digits(number: i64) -> [u8; 2] {
    let ([tens, ..], [ones, ..]) = ((number / 10).to_le_bytes(), (number % 10).to_le_bytes());
    [b'0' | tens, b'0' | ones]
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with milliseconds, in UTC; before the year 0 and after 9999 with a sign or more digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.rfc3339() {
            return f.write_str(str::from_utf8(&text).unwrap_or_default());
        }
        let seconds = self.seconds();
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let rest = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        let millis = self.0.rem_euclid(1000);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads_dates() {
        assert_eq!(
            Timestamp::from_millis(0).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
        assert_eq!(
            Timestamp::from_millis(1_795_298_401_250).to_string(),
            "2026-11-21T22:00:01.250Z"
        );
        assert_eq!(
            Timestamp::parse("2026-11-21T22:00:01Z"),
            Some(Timestamp::from_seconds(1_795_298_401))
        );
        assert_eq!(
            Timestamp::parse("2024-02-29").map(|t| t.to_string()),
            Some("2024-02-29T00:00:00.000Z".into())
        );
        for bad in [
            "2026-02-29",
            "2026-13-01",
            "2026-1-01",
            "",
            "2026-11-21T24:00:00Z",
            "2026-11-21 10:00:00",
        ] {
            assert_eq!(Timestamp::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn reads_a_date_and_time_with_any_offset() {
        for (text, millis) in [
            ("2026-11-21T22:00:01Z", 1_795_298_401_000),
            ("2026-11-21T22:00:01.25Z", 1_795_298_401_250),
            ("2026-11-21T22:00:01.000999999Z", 1_795_298_401_000),
            ("2026-11-22T00:30:01.1+02:30", 1_795_298_401_100),
            ("2026-11-21T21:00:01-01:00", 1_795_298_401_000),
            ("2026-11-21T22:00:01-00:00", 1_795_298_401_000),
        ] {
            let read = Timestamp::parse_date_time(text);
            assert_eq!(read, Some(Timestamp::from_millis(millis)), "{text}");
        }
        for bad in [
            "",
            "2026-11-21",
            "2026-11-21T22:00:01",
            "2026-11-21 22:00:01Z",
            "2026-11-21t22:00:01z",
            "2026-11-21T22:00:60Z",
            "2026-02-29T22:00:01Z",
            "2026-11-21T22:00:01.Z",
            "2026-11-21T22:00:01.5",
            "2026-11-21T22:00:01,5Z",
            "2026-11-21T22:00:01+0200",
            "2026-11-21T22:00:01+24:00",
            "2026-11-21T22:00:01+2:00",
            "2026-11-21T22:00:01ZZ",
            "2026-11-21T22:00:0\u{661}Z",
            "+026-11-21T22:00:01Z",
        ] {
            assert_eq!(Timestamp::parse_date_time(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_hour_is_utc() {
        assert_eq!(Timestamp::from_seconds(1_795_298_401).hour(), 22);
        assert_eq!(Timestamp::from_seconds(-1).hour(), 23);
    }
}
