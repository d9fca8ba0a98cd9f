//! The catalogue of texts: one file a language beside this crate's sources, Chinese first.
//!
//! A text may hold places in braces, `{name}`. Texts of codes have the code in their key, for
//! example `class.retain`; a code without a text shows as itself, so that a value of a newer version
//! is not lost.

use std::collections::BTreeMap;
use std::fmt::Display;

/// The languages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// 中文
    #[default]
    Zh,
    /// English
    En,
}

impl Language {
    /// The language of the environment: Chinese unless `LANG` names English.
    pub fn of_environment() -> Self {
        let named = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
        if named.is_some_and(|name| name.starts_with("en")) {
            Self::En
        } else {
            Self::Zh
        }
    }

    const fn source(self) -> &'static str {
        match self {
            Self::Zh => include_str!("../texts/zh.json"),
            Self::En => include_str!("../texts/en.json"),
        }
    }
}

/// The texts of one language.
#[derive(Debug)]
pub struct Texts {
    by_key: BTreeMap<String, String>,
}

impl Texts {
    /// Reads the catalogue of a language. A broken catalogue shows keys; a test holds it whole.
    pub fn new(language: Language) -> Self {
        Self {
            by_key: serde_json::from_str(language.source()).unwrap_or_default(),
        }
    }

    /// The text of a key; the key itself if there is none.
    pub fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.by_key.get(key).map_or(key, String::as_str)
    }

    /// The text of a code of an enum, `group.code`; the code itself if there is none.
    pub fn code<'a>(&'a self, group: &str, code: &'a str) -> &'a str {
        self.by_key
            .get(&format!("{group}.{code}"))
            .map_or(code, String::as_str)
    }

    /// Whether there is a text for this key.
    pub fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// A text with its places filled. A place without a value stays empty.
    pub fn fill(&self, key: &str, values: &[(&str, &dyn Display)]) -> String {
        let mut rest = self.get(key);
        let mut filled = String::with_capacity(rest.len() + 16);
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let (name, tail) = after.split_once('}').unwrap_or((after, ""));
            if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
                filled.push_str(&value.to_string());
            }
            rest = tail;
        }
        filled + rest
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn places(text: &str) -> BTreeSet<&str> {
        text.split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}'))
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn both_languages_have_the_same_keys_and_places() {
        let (zh, en) = (Texts::new(Language::Zh), Texts::new(Language::En));
        assert!(zh.by_key.len() > 100);
        assert_eq!(
            zh.by_key.keys().collect::<Vec<_>>(),
            en.by_key.keys().collect::<Vec<_>>()
        );
        for (key, text) in &zh.by_key {
            assert_eq!(places(text), places(&en.by_key[key]), "{key}");
        }
    }

    #[test]
    fn places_are_filled_and_unknown_codes_shown() {
        let texts = Texts {
            by_key: BTreeMap::from([("k".into(), "共{n}位，{x}完".into())]),
        };
        assert_eq!(texts.fill("k", &[("n", &3)]), "共3位，完");
        assert_eq!(texts.code("class", "platinum"), "platinum");
        assert_eq!(texts.get("missing"), "missing");
    }
}
