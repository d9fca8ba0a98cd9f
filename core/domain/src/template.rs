//! Messages: placeholders filled in, texts checked before a chain may use them (rules, section 5).

use crate::codes::ContactPurpose;
use crate::model::{Drug, Template};
use crate::rules::GateRules;

/// Characters that a text may have once filled in (seven parts of a long text message).
pub const TEXT_CHARS_MAX: usize = 500;

/// Why a text could not be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A placeholder without a value.
    #[error("placeholder `{{{0}}}` has no value here")]
    UnknownPlaceholder(String),
    /// A brace without its other half.
    #[error("brace at character {0} has no other half")]
    UnmatchedBrace(usize),
    /// The text is too long once filled in.
    #[error("text has more than {TEXT_CHARS_MAX} characters once filled in")]
    TooLong,
}

/// Fills the placeholders of a text, for example `{name}`, with values by name.
pub fn render(text: &str, values: &[(&str, &str)]) -> Result<String, TemplateError> {
    let mut filled = String::with_capacity(text.len() + 32);
    for piece in pieces(text)? {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Placeholder(name) => match values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => filled.push_str(value),
                None => return Err(TemplateError::UnknownPlaceholder(name.to_owned())),
            },
        }
    }
    if filled.chars().count() > TEXT_CHARS_MAX {
        Err(TemplateError::TooLong)
    } else {
        Ok(filled)
    }
}

/// The names of a text's placeholders, in order.
pub fn placeholders(text: &str) -> Result<Vec<&str>, TemplateError> {
    let names = pieces(text)?.into_iter().filter_map(|piece| match piece {
        Piece::Placeholder(name) => Some(name),
        Piece::Text(_) => None,
    });
    Ok(names.collect())
}

enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let unmatched = |rest: &str, place: usize| {
        let byte = text.len() - rest.len() + place;
        Err(TemplateError::UnmatchedBrace(text[..byte].chars().count() + 1))
    };
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(place) = rest.find(['{', '}']) {
        if rest[place..].starts_with('}') {
            return unmatched(rest, place);
        }
        let inside = &rest[place + 1..];
        let Some(end) = inside
            .find(['{', '}'])
            .filter(|end| inside[*end..].starts_with('}'))
        else {
            return unmatched(rest, place);
        };
        pieces.push(Piece::Text(&rest[..place]));
        pieces.push(Piece::Placeholder(inside[..end].trim()));
        rest = &inside[end + 1..];
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// No sender name 【…】.
    #[error("no sender name: begin or end the text with the chain's name in 【】")]
    NoSender,
    /// A marketing text without opt-out words.
    #[error("marketing text without opt-out words such as 拒收请回复R")]
    NoOptOut,
    /// A prescription drug is named in a promotional text.
    #[error("promotional text names the prescription drug {0}")]
    PrescriptionDrug(String),
    /// A price or coupon in a promotional text.
    #[error("promotional text speaks of price or coupon: {0}")]
    Price(String),
    /// A word about efficacy in a promotional text.
    #[error("promotional text speaks of efficacy: {0}")]
    Efficacy(String),
    /// A service text that promotes.
    #[error("service text carries promotion: {0}")]
    PromotionInService(String),
    /// The text cannot be filled in.
    #[error(transparent)]
    Text(#[from] TemplateError),
}

impl Finding {
    /// The stable code that a screen words.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSender => "no_sender",
            Self::NoOptOut => "no_opt_out",
            Self::PrescriptionDrug(_) => "prescription_drug",
            Self::Price(_) => "price_word",
            Self::Efficacy(_) => "efficacy_word",
            Self::PromotionInService(_) => "promotion_in_service",
            Self::Text(TemplateError::UnknownPlaceholder(_)) => "placeholder_unknown",
            Self::Text(TemplateError::UnmatchedBrace(_)) => "brace_unmatched",
            Self::Text(TemplateError::TooLong) => "text_too_long",
        }
    }

    /// What was found: a word of the template, a placeholder, a place.
    pub fn value(&self) -> Option<String> {
        match self {
            Self::PrescriptionDrug(word)
            | Self::Price(word)
            | Self::Efficacy(word)
            | Self::PromotionInService(word)
            | Self::Text(TemplateError::UnknownPlaceholder(word)) => Some(word.clone()),
            Self::Text(TemplateError::UnmatchedBrace(place)) => Some(place.to_string()),
            Self::NoSender | Self::NoOptOut | Self::Text(TemplateError::TooLong) => None,
        }
    }
}

/// Checks a template against the rules: sender name and opt-out words in messages; no
/// prescription-drug name, price, coupon or efficacy word in anything promotional. `drugs` is the
/// chain's catalogue.
pub fn lint(template: &Template, drugs: &[Drug], rules: &GateRules) -> Vec<Finding> {
    let texts = || std::iter::once(&template.text).chain(&template.points);
    let marketing =
        !template.purpose.is(ContactPurpose::Service) && !template.purpose.is(ContactPurpose::Emergency);
    let mut findings: Vec<Finding> = texts()
        .filter_map(|text| placeholders(text).err())
        .map(Finding::Text)
        .collect();
    if template.kind != "script" {
        if !has_sender(&template.text) {
            findings.push(Finding::NoSender);
        }
        if marketing
            && !rules
                .opt_out_words
                .iter()
                .any(|word| template.text.contains(word.as_str()))
        {
            findings.push(Finding::NoOptOut);
        }
    }
    for text in texts() {
        if marketing {
            findings.extend(prescription_name(text, drugs).map(Finding::PrescriptionDrug));
            findings.extend(price_word(text, rules).map(Finding::Price));
            findings.extend(word_in(text, &rules.efficacy_words).map(Finding::Efficacy));
        } else {
            findings.extend(price_word(text, rules).map(Finding::PromotionInService));
        }
    }
    findings
}

/// Whether a text promotes: it speaks of a price or a coupon, or its template is for marketing.
pub fn is_promotional(template: &Template, rules: &GateRules) -> bool {
    template.purpose.is(ContactPurpose::Marketing) || price_word(&template.text, rules).is_some()
}

/// A sender name is at least one character in 【】 at the beginning or the end.
fn has_sender(text: &str) -> bool {
    let text = text.trim();
    let head = text
        .strip_prefix('【')
        .and_then(|rest| rest.split_once('】'))
        .map(|(name, _)| name);
    let tail = text
        .strip_suffix('】')
        .and_then(|rest| rest.rsplit_once('【'))
        .map(|(_, name)| name);
    [head, tail]
        .into_iter()
        .flatten()
        .any(|name| !name.trim().is_empty())
}

fn prescription_name(text: &str, drugs: &[Drug]) -> Option<String> {
    drugs
        .iter()
        .filter(|drug| drug.prescription)
        .flat_map(|drug| std::iter::once(&drug.name).chain(&drug.ingredient))
        // One character is a syllable of many words.
        .find(|name| name.chars().count() >= 2 && text.contains(name.as_str()))
        .cloned()
}

fn price_word(text: &str, rules: &GateRules) -> Option<String> {
    word_in(text, &rules.price_words).or_else(|| {
        rules
            .price_units
            .iter()
            .find(|unit| {
                text.match_indices(unit.as_str())
                    .any(|(at, _)| after_number(&text[..at]))
            })
            .cloned()
    })
}

/// Whether a text ends in a number or a placeholder that may stand for one.
fn after_number(text: &str) -> bool {
    const NUMERALS: &str = "零一二两三四五六七八九十百千万几半〇";
    let last = text.trim_end().chars().next_back();
    last.is_some_and(|c| c.is_ascii_digit() || ('０'..='９').contains(&c) || c == '}' || NUMERALS.contains(c))
}

fn word_in(text: &str, words: &[String]) -> Option<String> {
    words.iter().find(|word| text.contains(word.as_str())).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn template(kind: &str, purpose: ContactPurpose, text: &str) -> Template {
        Template {
            id: "t".into(),
            title: "t".into(),
            kind: kind.into(),
            purpose: purpose.into(),
            text: text.into(),
            points: Vec::new(),
        }
    }

    fn drug(name: &str, ingredient: &str, prescription: bool) -> Drug {
        Drug {
            id: name.into(),
            name: name.into(),
            ingredient: Some(ingredient.into()),
            category: None,
            manufacturer: None,
            spec: None,
            units_per_pack_milli: None,
            daily_units_milli: None,
            prescription,
            chronic: false,
        }
    }

    #[test]
    fn placeholders_are_filled_in() {
        let values = [("name", "王女士"), ("store", "一店")];
        assert_eq!(
            render("{name}您好，{ store }恭候。", &values).unwrap(),
            "王女士您好，一店恭候。"
        );
        assert_eq!(render("", &values).unwrap(), "");
        assert_eq!(
            render("{nmae}", &values),
            Err(TemplateError::UnknownPlaceholder("nmae".into()))
        );
        assert_eq!(
            render("{}", &values),
            Err(TemplateError::UnknownPlaceholder(String::new()))
        );
        assert_eq!(
            render("您好{name", &values),
            Err(TemplateError::UnmatchedBrace(3))
        );
        assert_eq!(render("a}b", &values), Err(TemplateError::UnmatchedBrace(2)));
        assert_eq!(render("{a{name}", &values), Err(TemplateError::UnmatchedBrace(1)));
        assert_eq!(
            render("{name}", &[("name", &"长".repeat(501))]),
            Err(TemplateError::TooLong)
        );
        assert_eq!(
            TemplateError::UnknownPlaceholder("x".into()).to_string(),
            "placeholder `{x}` has no value here"
        );
    }

    #[test]
    fn a_value_is_never_read_as_a_placeholder() {
        assert_eq!(render("{a}", &[("a", "{b}"), ("b", "x")]).unwrap(), "{b}");
    }

    #[test]
    fn texts_are_checked() {
        use ContactPurpose::{Marketing, Service};
        let drugs = [
            drug("络活喜", "苯磺酸氨氯地平", true),
            drug("维生素C片", "维生素C", false),
        ];
        for (kind, purpose, text, expected) in [
            (
                "sms",
                Service,
                "【安心药房】您的常用药快用完了，可到店取。",
                vec![],
            ),
            ("sms", Service, "您的常用药快用完了。【安心药房】", vec![]),
            ("sms", Service, "您的常用药快用完了。", vec![Finding::NoSender]),
            ("sms", Service, "【 】您好", vec![Finding::NoSender]),
            ("sms", Marketing, "【安心药房】会员日到了。拒收请回复R", vec![]),
            (
                "sms",
                Marketing,
                "【安心药房】会员日到了。",
                vec![Finding::NoOptOut],
            ),
            (
                "sms",
                Marketing,
                "【安心药房】络活喜到货。退订回T",
                vec![Finding::PrescriptionDrug("络活喜".into())],
            ),
            ("sms", Marketing, "【安心药房】维生素C片到货。退订回T", vec![]),
            (
                "sms",
                Marketing,
                "【安心药房】全场8折。退订回T",
                vec![Finding::Price("折".into())],
            ),
            (
                "sms",
                Marketing,
                "【安心药房】骨折护理讲座，元旦见。退订回T",
                vec![],
            ),
            (
                "sms",
                Marketing,
                "【安心药房】只要{price}元。退订回T",
                vec![Finding::Price("元".into())],
            ),
            (
                "sms",
                Marketing,
                "【安心药房】根治失眠。退订回T",
                vec![Finding::Efficacy("根治".into())],
            ),
            (
                "wechat",
                Service,
                "【安心药房】常用药快用完了，送优惠券",
                vec![Finding::PromotionInService("优惠".into())],
            ),
            ("script", Marketing, "您好，请问近来血压怎么样？", vec![]),
            (
                "script",
                Service,
                "您好{",
                vec![Finding::Text(TemplateError::UnmatchedBrace(3))],
            ),
        ] {
            assert_eq!(
                lint(&template(kind, purpose, text), &drugs, &GateRules::default()),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn promotion_is_seen_in_a_service_text() {
        let rules = GateRules::default();
        assert!(is_promotional(
            &template("sms", ContactPurpose::Service, "满100减20元"),
            &rules
        ));
        assert!(is_promotional(
            &template("sms", ContactPurpose::Marketing, "您好"),
            &rules
        ));
        assert!(!is_promotional(
            &template("sms", ContactPurpose::Service, "您的常用药快用完了"),
            &rules
        ));
    }

    proptest! {
        #[test]
        fn any_text_is_rendered_or_refused(text in ".{0,60}") {
            if !text.contains(['{', '}']) {
                prop_assert_eq!(render(&text, &[]), Ok(text.clone()));
            }
            drop(render(&text, &[("name", "x")]));
        }
    }
}
