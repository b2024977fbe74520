//! Text from strangers, so that it reads as what it is: whoever approves sees every character that could pass for another one,
//! that shows nothing, or that turns the order of what is read around.

use maud::{Markup, html};

/// Text as it is shown: every character beyond ASCII, but for letters such as `é`, stands beside its code point; those that show nothing
/// or move others are replaced by it.
pub(super) fn text(text: &str) -> Markup {
    shown(pieces(text, is_plain))
}

/// Text over several lines, whose ends of lines are ours: nothing of what it was made of has any.
pub(super) fn lines(text: &str) -> Markup {
    shown(pieces(text, |c| c == '\n' || is_plain(c)))
}

fn shown(pieces: Vec<Piece>) -> Markup {
    html! {
        @for piece in pieces {
            @match piece {
                Piece::Plain(plain) => (plain),
                Piece::Odd { visible, points } => span.odd {
                    // Nothing in it changes the order of what stands around it.
                    @if !visible.is_empty() { bdi { (visible) } }
                    span.points { (points) }
                },
            }
        }
    }
}

/// Whether a text has characters that stand beside their code point.
pub(super) fn is_odd(text: &str) -> bool {
    !text.chars().all(is_plain)
}

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// It is what it looks like.
    Plain(String),
    /// Somebody could read it as something else.
    Odd {
        /// What of it can be seen.
        visible: String,
        /// `U+0440 U+202E`, all of it.
        points: String,
    },
}

fn pieces(text: &str, is_plain: fn(char) -> bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for c in text.chars() {
        match (pieces.last_mut(), is_plain(c)) {
            (Some(Piece::Plain(plain)), true) => plain.push(c),
            (Some(Piece::Odd { visible, points }), false) => {
                visible.extend(Some(c).filter(|c| is_visible(*c)));
                points.push(' ');
                points.push_str(&point(c));
            }
            (_, true) => pieces.push(Piece::Plain(c.to_string())),
            (_, false) => pieces.push(Piece::Odd {
                visible: Some(c).filter(|c| is_visible(*c)).into_iter().collect(),
                points: point(c),
            }),
        }
    }
    pieces
}

/// What nobody takes for anything else: ASCII that can be seen, and the letters of Latin-1. The end of a line is no such thing: what
/// stands behind it could be taken for words of the page.
fn is_plain(c: char) -> bool {
    let letter = matches!(c, '\u{c0}'..='\u{ff}') && !matches!(c, '×' | '÷');
    matches!(c, ' '..='~') || letter
}

fn point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// Whether a character shows something of its own, and nothing but that. The code point stands there either way.
fn is_visible(c: char) -> bool {
    let empty = matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    // They are drawn over what stands before them.
    let combining = matches!(
        c,
        '\u{300}'..='\u{36f}'
            | '\u{483}'..='\u{489}'
            | '\u{591}'..='\u{5bd}'
            | '\u{610}'..='\u{61a}'
            | '\u{64b}'..='\u{65f}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe20}'..='\u{fe2f}'
    );
    let private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}');
    !(c.is_control() || c.is_whitespace() || empty || combining || private)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(of: &str) -> String {
        text(of).into_string()
    }

    #[test]
    fn what_is_plain_stays_as_it_is_and_nothing_becomes_markup() {
        assert_eq!(shown("Müller, \"eu\""), "Müller, &quot;eu&quot;");
        let two = "{\n  \"a\": 1\n}";
        let expected = "{\n  &quot;a&quot;: 1\n}";
        assert_eq!(lines(two).into_string(), expected);
        assert_eq!(shown("<b>&"), "&lt;b&gt;&amp;");
        assert!(!is_odd("Müller ß ÿ"));
    }

    #[test]
    fn a_letter_that_passes_for_another_stands_beside_its_code_point() {
        let expected =
            "p<span class=\"odd\"><bdi>а</bdi><span class=\"points\">U+0430</span></span>ypal";
        assert_eq!(shown("p\u{430}ypal"), expected);
        for odd in [
            "\u{131}",
            "\u{ff41}",
            "\u{3bf}",
            "×",
            "\u{2044}",
            "\u{1d41a}",
            "\u{6c}\u{301}",
        ] {
            assert!(is_odd(odd) && shown(odd).contains("U+"), "{odd}");
        }
    }

    #[test]
    fn what_shows_nothing_or_moves_others_is_only_its_code_point() {
        for c in [
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{200d}',
            '\u{feff}',
            '\u{a0}',
            '\u{3000}',
            '\u{ad}',
            '\u{3164}',
            '\u{e0041}',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{301}',
            '\u{e000}',
            '\r',
            '\t',
            '\n',
            '\0',
        ] {
            let shown = shown(&format!("a{c}b"));
            assert!(!shown.contains(c), "{shown:?}");
            assert!(shown.contains(&point(c)), "{shown:?}");
        }
    }

    #[test]
    fn a_run_is_one_piece() {
        let pieces = pieces("ok\u{65e5}\u{672c}!", is_plain);
        let odd = Piece::Odd {
            visible: "日本".to_owned(),
            points: "U+65E5 U+672C".to_owned(),
        };
        assert_eq!(
            pieces,
            [
                Piece::Plain("ok".to_owned()),
                odd,
                Piece::Plain("!".to_owned())
            ]
        );
    }
}
