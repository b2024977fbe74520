//! Names that differ in case only.

use super::super::folds_to;

#[test]
fn names_that_differ_in_case_only_fold_to_each_other() {
    for (a, b) in [
        ("name", "Name"),
        ("name", "NAME"),
        ("params", "PARAMS"),
        ("arguments", "Arguments"),
        ("tokens", "to\u{212a}ens"),
        ("tokens", "token\u{17f}"),
        ("TOKENS", "to\u{212a}en\u{17f}"),
        ("ſ", "s"),
        ("straße", "STRAẞE"),
        ("größe", "GRÖSSE".replace("SS", "ß").as_str()),
        ("σ", "ς"),
        ("Σ", "ς"),
        ("å", "\u{212b}"),
        ("µ", "μ"),
        ("ǆ", "ǅ"),
        ("ᾀ", "ᾈ"),
        ("i", "İ"),
        ("i", "ı"),
        ("𐐨", "𐐀"),
    ] {
        assert!(folds_to(a, b) && folds_to(b, a), "{a} {b}");
    }
}

#[test]
fn equal_names_and_other_names_do_not() {
    for (a, b) in [
        ("name", "name"),
        ("", ""),
        ("NAME", "NAME"),
        ("name", "names"),
        ("names", "name"),
        ("name", ""),
        ("name", "nam\u{e9}"),
        ("na me", "name"),
        ("a", "\u{430}"),
        ("k", "\u{138}"),
        ("@", "`"),
        ("[", "{"),
    ] {
        assert!(!folds_to(a, b) && !folds_to(b, a), "{a} {b}");
    }
}
