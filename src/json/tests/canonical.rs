//! RFC 8785, with its own examples.

use proptest::prelude::*;

use super::super::{CanonicalError, Json, Number};
use super::read;

fn canonical(text: &str) -> String {
    read(text).unwrap().canonical().unwrap()
}

/// Sections 3.2.2 and 3.2.3.
#[test]
fn the_examples_of_the_text() {
    let primitives = r#"{
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"#;
    assert_eq!(
        canonical(primitives),
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
         \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
    );
    let sorting = r#"{
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\ud83d\ude00": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis"
    }"#;
    let sorted = [
        "\\r\":\"Carriage Return",
        "1\":\"One",
        "\u{80}\":\"Control",
        "ö\":\"Latin Small Letter O With Diaeresis",
        "€\":\"Euro Sign",
        "😀\":\"Emoji: Grinning Face",
        "\u{fb33}\":\"Hebrew Letter Dalet With Dagesh",
    ];
    let expected = format!("{{\"{}\"}}", sorted.join("\",\""));
    assert_eq!(canonical(sorting), expected);
}

/// Appendix B.
#[test]
fn the_numbers_of_the_appendix() {
    for (bits, text) in [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] {
        let number = Json::Number(Number::Double(f64::from_bits(bits)));
        assert_eq!(number.canonical().as_deref(), Ok(text), "{bits:x}");
    }
    for bits in [0x7fff_ffff_ffff_ffff, 0x7ff0_0000_0000_0000] {
        let number = Json::Number(Number::Double(f64::from_bits(bits)));
        assert_eq!(number.canonical(), Err(CanonicalError::NotFinite));
    }
}

#[test]
fn an_integer_that_some_readers_round_has_no_canonical_form() {
    for text in ["9007199254740991", "-9007199254740991", "0", "-1"] {
        assert_eq!(canonical(text), text);
    }
    for text in [
        "9007199254740992",
        "-9007199254740992",
        "18446744073709551615",
        r#"{"a":[{"b":9007199254740993}]}"#,
    ] {
        let json = read(text).unwrap();
        assert_eq!(
            json.canonical(),
            Err(CanonicalError::UnsafeInteger),
            "{text}"
        );
        assert_eq!(json.digest(), Err(CanonicalError::UnsafeInteger), "{text}");
    }
}

#[test]
fn spelling_and_order_are_gone() {
    let one = r#" { "b" : [ 1.0 , -0 , "\u0061\/" ] , "a" : { } } "#;
    assert_eq!(canonical(one), r#"{"a":{},"b":[1,0,"a/"]}"#);
    assert_eq!(
        canonical(r#""\b\f\t\u001f\u007f\u2028""#),
        "\"\\b\\f\\t\\u001f\u{7f}\u{2028}\""
    );
}

/// `printf '{"a":1,"b":[true,"x"]}' | sha256sum`
#[test]
fn the_digest_is_that_of_the_canonical_text() {
    let json = read(r#"{ "b": [true, "x"], "a": 1e0 }"#).unwrap();
    let digest = json.digest().unwrap();
    let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex.concat(),
        "63e8063d9dc6f0fd5a24b4706818a165fd57c3531b74466cf5dea62bff09b0b6"
    );
}

proptest! {
    /// ECMAScript's text of a double reads as that double, whatever its bits.
    #[test]
    fn a_canonical_number_reads_as_the_number(bits in any::<u64>()) {
        let double = f64::from_bits(bits);
        prop_assume!(double.is_finite());
        let text = Json::Number(Number::Double(double)).canonical().unwrap();
        // Adding 0 makes 0 of −0, which ECMAScript writes without its sign.
        let bits = (double + 0.0).to_bits();
        prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits);
        prop_assert_eq!(read(&text).unwrap().as_number().unwrap().as_double().to_bits(), bits);
    }
}
