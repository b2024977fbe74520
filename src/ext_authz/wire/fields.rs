//! The fields of one message, in the order in which they stand
//! (<https://protobuf.dev/programming-guides/encoding/>).

/// The bytes are no message of the kind that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ext_authz) struct Malformed;

/// What stands in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a width that no field has that is read here.
    Fixed,
}

impl<'a> Field<'a> {
    /// A text: UTF-8, or the message is malformed.
    pub(super) fn text(self) -> Result<&'a str, Malformed> {
        simdutf8::basic::from_utf8(self.bytes()?).map_err(|_not_utf8| Malformed)
    }

    /// Bytes, or a message.
    pub(super) const fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) | Self::Fixed => Err(Malformed),
        }
    }

    /// An `int64`: two's complement.
    pub(super) const fn int(self) -> Result<i64, Malformed> {
        match self {
            Self::Number(number) => Ok(number.cast_signed()),
            Self::Bytes(_) | Self::Fixed => Err(Malformed),
        }
    }
}

/// Hands every field of a message to `read`, by its number.
pub(super) fn each<'a>(
    mut message: &'a [u8],
    mut read: impl FnMut(u64, Field<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let number = key >> 3;
        if number == 0 || key > u64::from(u32::MAX) {
            return Err(Malformed);
        }
        let field = match key & 7 {
            0 => Field::Number(varint(&mut message)?),
            1 => fixed(&mut message, 8)?,
            2 => {
                let length = usize::try_from(varint(&mut message)?);
                Field::Bytes(take(&mut message, length.map_err(|_too_long| Malformed)?)?)
            }
            5 => fixed(&mut message, 4)?,
            // Groups: no message of proto3 has any.
            _ => return Err(Malformed),
        };
        read(number, field)?;
    }
    Ok(())
}

fn fixed<'a>(message: &mut &'a [u8], width: usize) -> Result<Field<'a>, Malformed> {
    take(message, width).map(|_skipped| Field::Fixed)
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> Result<&'a [u8], Malformed> {
    let (taken, rest) = message.split_at_checked(length).ok_or(Malformed)?;
    *message = rest;
    Ok(taken)
}

/// Seven bits a byte, the lowest first; at most 64 bits in ten bytes.
fn varint(message: &mut &[u8]) -> Result<u64, Malformed> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first().ok_or(Malformed)?;
        *message = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(Malformed);
        }
        number |= bits << shift;
        if *byte < 0x80 {
            return Ok(number);
        }
    }
    Err(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &[u8]) -> Result<Vec<(u64, Field<'_>)>, Malformed> {
        let mut all = Vec::new();
        each(message, |number, field| {
            all.push((number, field));
            Ok(())
        })?;
        Ok(all)
    }

    #[test]
    fn fields_are_read_in_order() {
        let message = [0x08, 0x96, 0x01, 0x12, 2, b'h', b'i', 0x1d, 0, 0, 0, 0];
        let expected = [
            (1, Field::Number(150)),
            (2, Field::Bytes(b"hi")),
            (3, Field::Fixed),
        ];
        assert_eq!(read(&message), Ok(expected.to_vec()));
        assert_eq!(read(&[]), Ok(vec![]));
    }

    #[test]
    fn what_is_cut_or_no_message_is_malformed() {
        let longest = [&[0x08][..], &[0xff; 9], &[0x01]].concat();
        assert_eq!(read(&longest), Ok(vec![(1, Field::Number(u64::MAX))]));
        let too_large = [&[0x08][..], &[0xff; 9], &[0x02]].concat();
        let too_long = [&[0x08][..], &[0xff; 10], &[0x01]].concat();
        for bytes in [
            &[0x08][..],
            &[0x12, 3, b'h', b'i'],
            &[0x1d, 0, 0, 0],
            &[0x00, 1],
            &[0x0b, 0x0c],
            &[0x80],
            &too_large,
            &too_long,
        ] {
            assert_eq!(read(bytes), Err(Malformed), "{bytes:x?}");
        }
    }

    #[test]
    fn a_field_of_another_kind_is_malformed() {
        assert_eq!(Field::Number(1).text(), Err(Malformed));
        assert_eq!(Field::Bytes(b"\xff").text(), Err(Malformed));
        assert_eq!(Field::Bytes(b"1").int(), Err(Malformed));
        assert_eq!(Field::Number(u64::MAX).int(), Ok(-1));
    }
}
