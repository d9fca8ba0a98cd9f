//! Phone numbers: one normal form, one mask.

/// Digits that a number may have.
const DIGITS: std::ops::RangeInclusive<usize> = 5..=20;

/// The normal form of a number: digits only, without the country code of China; full-width digits
/// are read. None if it is no phone number.
pub fn normalise(text: &str) -> Option<String> {
    let mut digits = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '0'..='9' => digits.push(c),
            '０'..='９' => digits.push(char::from(b'0' + (c as u32 - '０' as u32) as u8)),
            ' ' | '-' | '(' | ')' | '（' | '）' | '.' | '\u{a0}' | '－' => {}
            '+' | '＋' if digits.is_empty() => {}
            _ => return None,
        }
    }
    let national = digits
        .strip_prefix("0086")
        .or_else(|| {
            digits
                .strip_prefix("86")
                .filter(|rest| rest.len() == 11 && rest.starts_with('1'))
        })
        .unwrap_or(&digits);
    DIGITS.contains(&national.len()).then(|| national.to_owned())
}

/// The number as it shows everywhere: `138****1234`; shorter ones keep their last two digits.
pub fn mask(number: &str) -> String {
    let length = number.chars().count();
    let (head, tail) = if length >= 11 { (3, 4) } else { (0, 2.min(length)) };
    let place = |n| number.char_indices().nth(n).map_or(number.len(), |(at, _)| at);
    [&number[..place(head)], "****", &number[place(length - tail)..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_one_form() {
        for text in [
            "13812341234",
            "+86 138-1234-1234",
            "0086 138 1234 1234",
            "１３８１２３４１２３４",
        ] {
            assert_eq!(normalise(text).as_deref(), Some("13812341234"), "{text}");
        }
        assert_eq!(normalise("0755-26001234").as_deref(), Some("075526001234"));
        for text in ["", "1234", "abc", "138x", "123456789012345678901"] {
            assert_eq!(normalise(text), None, "{text}");
        }
    }

    #[test]
    fn masks_hide_the_middle() {
        assert_eq!(mask("13812341234"), "138****1234");
        assert_eq!(mask("1234567"), "****67");
        assert_eq!(mask(""), "****");
    }
}
