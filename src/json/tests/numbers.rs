//! What each spelling of a number becomes.

use super::super::{Json, Number};
use super::read;

fn number(text: &str) -> Number {
    read(text).unwrap().as_number().unwrap()
}

/// Bits, so that 0 and −0 are two.
fn double(text: &str) -> u64 {
    match number(text) {
        Number::Double(value) => value.to_bits(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn an_integer_of_64_bits_stays_exact() {
    assert_eq!(number("0"), Number::Unsigned(0));
    assert_eq!(number("-1"), Number::Signed(-1));
    assert_eq!(
        number("9007199254740993"),
        Number::Unsigned(9_007_199_254_740_993)
    );
    assert_eq!(
        number("-9007199254740993"),
        Number::Signed(-9_007_199_254_740_993)
    );
    assert_eq!(number("18446744073709551615"), Number::Unsigned(u64::MAX));
    assert_eq!(number("-9223372036854775808"), Number::Signed(i64::MIN));
}

#[test]
fn what_is_spelt_as_no_integer_or_fits_no_64_bits_is_a_double() {
    for (text, value) in [
        ("-0", -0.0_f64),
        ("-0.0", -0.0),
        ("0.0", 0.0),
        ("0e0", 0.0),
        ("1.0", 1.0),
        ("1e0", 1.0),
        ("1E0", 1.0),
        ("1e3", 1000.0),
        ("1e+3", 1000.0),
        ("10e-1", 1.0),
        ("-1.0", -1.0),
        ("18446744073709551616", 18_446_744_073_709_551_616.0),
        ("-9223372036854775809", -9_223_372_036_854_775_809.0),
        ("100000000000000000000", 1e20),
        ("1e-400", 0.0),
        ("-1e-400", -0.0),
        ("5e-324", 5e-324),
    ] {
        assert_eq!(double(text), value.to_bits(), "{text}");
    }
}

#[test]
fn a_double_is_the_nearest_one_however_many_digits_it_has() {
    for text in [
        "0.1",
        "333333333.33333329",
        "2.2250738585072011e-308",
        "9007199254740993.0",
        "0.1000000000000000055511151231257827021181583404541015625",
        "31.245270191439438",
        "121.48791951161945",
        "100.78399658203125",
        "1.00000000000000011102230246251565404236316680908203126",
        "123456789012345678901234567890",
    ] {
        assert_eq!(
            double(text),
            text.parse::<f64>().unwrap().to_bits(),
            "{text}"
        );
    }
}

#[test]
fn a_safe_integer_is_one_that_every_reader_reads_alike() {
    let safe = |text| number(text).as_safe_integer();
    assert_eq!(safe("0"), Some(0));
    assert_eq!(safe("9007199254740991"), Some(9_007_199_254_740_991));
    assert_eq!(safe("-9007199254740991"), Some(-9_007_199_254_740_991));
    for text in [
        "9007199254740992",
        "-9007199254740992",
        "9223372036854775808",
        "18446744073709551615",
        "-9223372036854775808",
        "1.0",
        "1e0",
        "-0",
        "100000000000000000000",
    ] {
        assert_eq!(safe(text), None, "{text}");
    }
}

#[test]
fn as_a_double_it_is_the_nearest() {
    assert_eq!(
        number("9007199254740993").as_double().to_bits(),
        9_007_199_254_740_992.0_f64.to_bits()
    );
    assert_eq!(number("-2").as_double().to_bits(), (-2.0_f64).to_bits());
    assert_eq!(number("2.5").as_double().to_bits(), 2.5_f64.to_bits());
    assert!(matches!(read("2").unwrap(), Json::Number(_)));
}
