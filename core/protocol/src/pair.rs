//! The one-time pairing code: it carries the hub's address, its certificate's fingerprint and a
//! secret, as text that fits a QR code and can be typed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// What a pairing code carries.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairCode {
    /// Address of the hub, for example `https://hub.example:8443`.
    pub url: String,
    /// SHA-256 of the hub's certificate (DER), in hex.
    pub fingerprint: String,
    /// One-time secret.
    pub secret: String,
}

/// Why a text is no pairing code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairCodeError {
    /// Another kind of text.
    #[error("not a pairing code (it begins with `YB1-`)")]
    NotACode,
    /// Cut or mistyped.
    #[error("pairing code is damaged; copy it whole, or ask for a new one")]
    Damaged,
    /// Longer than any code.
    #[error("pairing code is longer than {PAIR_CODE_CHARS_MAX} characters")]
    TooLong,
    /// The address in it is no https address.
    #[error("pairing code holds no https address")]
    BadAddress,
}

/// No code is longer.
pub const PAIR_CODE_CHARS_MAX: usize = 2_000;
const PREFIX: &str = "YB1-";

impl std::fmt::Debug for PairCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PairCode")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl PairCode {
    /// The code as text: `YB1-`, the payload and a check sum of it.
    pub fn to_text(&self) -> String {
        let payload = serde_json::to_vec(self).unwrap_or_default();
        let check = &sha256(&payload)[..4];
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([check, &payload].concat()))
    }

    /// Reads a code.
    pub fn from_text(text: &str) -> Result<Self, PairCodeError> {
        let text = text.trim();
        if text.len() > PAIR_CODE_CHARS_MAX {
            return Err(PairCodeError::TooLong);
        }
        let encoded = text.strip_prefix(PREFIX).ok_or(PairCodeError::NotACode)?;
        let bytes = URL_SAFE_NO_PAD
            .decode(encoded)
            .map_err(|_| PairCodeError::Damaged)?;
        let (check, payload) = bytes.split_at_checked(4).ok_or(PairCodeError::Damaged)?;
        if check != &sha256(payload)[..4] {
            return Err(PairCodeError::Damaged);
        }
        let code: Self = serde_json::from_slice(payload).map_err(|_| PairCodeError::Damaged)?;
        match url::Url::parse(&code.url) {
            Ok(url) if url.scheme() == "https" && url.has_host() => Ok(code),
            _ => Err(PairCodeError::BadAddress),
        }
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(url: &str) -> PairCode {
        PairCode {
            url: url.into(),
            fingerprint: "ab".repeat(32),
            secret: "s3cret".into(),
        }
    }

    #[test]
    fn a_code_goes_both_ways() {
        let code = code("https://hub.example:8443");
        assert_eq!(PairCode::from_text(&code.to_text()).unwrap(), code);
        assert_eq!(
            PairCode::from_text(&format!(" {}\n", code.to_text())).unwrap(),
            code
        );
    }

    #[test]
    fn a_code_is_refused_with_what_is_wrong() {
        let text = code("https://hub.example").to_text();
        let padded = format!("YB1-{}", "A".repeat(PAIR_CODE_CHARS_MAX));
        for (why, text, expected) in [
            ("empty", "", PairCodeError::NotACode),
            ("another kind", "https://hub.example", PairCodeError::NotACode),
            ("nothing in it", "YB1-", PairCodeError::Damaged),
            ("cut", &text[..text.len() - 3], PairCodeError::Damaged),
            ("not base64", "YB1-药伴", PairCodeError::Damaged),
            ("too long", &padded, PairCodeError::TooLong),
            (
                "plain http",
                &code("http://hub.example").to_text(),
                PairCodeError::BadAddress,
            ),
            ("no host", &code("https://").to_text(), PairCodeError::BadAddress),
            ("no address", &code("hub").to_text(), PairCodeError::BadAddress),
        ] {
            assert_eq!(PairCode::from_text(text).err(), Some(expected), "{why}");
        }
    }

    #[test]
    fn the_secret_is_not_shown() {
        let shown = format!("{:?}", code("https://hub.example"));
        assert!(
            shown.contains("hub.example") && !shown.contains("s3cret"),
            "{shown}"
        );
    }

    proptest! {
        #[test]
        fn one_mistyped_character_is_noticed(place in 4_usize..160, typed in "[A-Za-z0-9_-]") {
            let text = code("https://hub.example:8443").to_text();
            let place = place.min(text.len() - 1);
            let mistyped = format!("{}{typed}{}", &text[..place], &text[place + 1..]);
            // The last character carries unused bits, which the decoder refuses; all others count.
            prop_assert_eq!(PairCode::from_text(&mistyped).is_ok(), mistyped == text);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}", tail in "YB1-[A-Za-z0-9_-]{0,80}") {
            drop(PairCode::from_text(&text));
            prop_assert!(PairCode::from_text(&tail).is_err());
        }
    }
}
