//! The codes of diseases with their Chinese names and chronic marks (rules, section 2).
//!
//! A word that is not found here is no disease for the rules; the import keeps it as a tag.

/// One disease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disease {
    /// The stable code, as kept in [`crate::model::Member::diseases`].
    pub code: &'static str,
    /// The Chinese name that screens show.
    pub name: &'static str,
    /// Other names that are accepted on import.
    pub other_names: &'static [&'static str],
    /// Chronic.
    pub chronic: bool,
}

/// Code of the diabetes whose target for blood pressure is lower.
pub const DIABETES: &str = "diabetes";

const fn chronic(code: &'static str, name: &'static str, other_names: &'static [&'static str]) -> Disease {
    Disease {
        code,
        name,
        other_names,
        chronic: true,
    }
}

const fn passing(code: &'static str, name: &'static str, other_names: &'static [&'static str]) -> Disease {
    Disease {
        code,
        name,
        other_names,
        chronic: false,
    }
}

/// All diseases, chronic ones first.
pub const ALL: &[Disease] = &[
    chronic(
        "hypertension",
        "高血压",
        &["高血压病", "高血压症", "原发性高血压"],
    ),
    chronic(
        DIABETES,
        "糖尿病",
        &[
            "1型糖尿病",
            "2型糖尿病",
            "一型糖尿病",
            "二型糖尿病",
            "I型糖尿病",
            "II型糖尿病",
            "Ⅰ型糖尿病",
            "Ⅱ型糖尿病",
        ],
    ),
    chronic(
        "hyperlipidemia",
        "高血脂",
        &["高血脂症", "高脂血症", "血脂异常", "高胆固醇血症"],
    ),
    chronic(
        "coronary_heart_disease",
        "冠心病",
        &["冠状动脉粥样硬化性心脏病", "冠状动脉性心脏病", "心绞痛"],
    ),
    chronic(
        "stroke",
        "脑卒中",
        &["中风", "卒中", "脑梗", "脑梗死", "脑梗塞", "脑出血"],
    ),
    chronic("copd", "慢阻肺", &["慢性阻塞性肺疾病", "慢性阻塞性肺病"]),
    chronic("asthma", "哮喘", &["支气管哮喘"]),
    chronic("gout", "痛风", &["痛风病", "痛风性关节炎"]),
    chronic(
        "hepatitis_b",
        "乙肝",
        &["乙型肝炎", "慢性乙肝", "慢性乙型肝炎", "乙型病毒性肝炎"],
    ),
    chronic(
        "ckd",
        "慢性肾病",
        &[
            "慢性肾脏病",
            "慢性肾脏疾病",
            "慢性肾炎",
            "慢性肾功能不全",
            "慢性肾衰竭",
        ],
    ),
    chronic("osteoporosis", "骨质疏松", &["骨质疏松症"]),
    chronic(
        "arthritis",
        "关节炎",
        &["骨关节炎", "类风湿", "类风湿关节炎", "类风湿性关节炎"],
    ),
    chronic(
        "thyroid",
        "甲状腺疾病",
        &[
            "甲状腺病",
            "甲亢",
            "甲减",
            "甲状腺功能亢进",
            "甲状腺功能亢进症",
            "甲状腺功能减退",
            "甲状腺功能减退症",
        ],
    ),
    chronic(
        "gastric",
        "胃病",
        &["慢性胃病", "胃炎", "慢性胃炎", "胃溃疡", "消化性溃疡"],
    ),
    chronic("heart_failure", "心力衰竭", &["心衰", "慢性心力衰竭", "慢性心衰"]),
    chronic("atrial_fibrillation", "房颤", &["心房颤动"]),
    chronic("parkinson", "帕金森病", &["帕金森", "帕金森综合征"]),
    chronic("epilepsy", "癫痫", &[]),
    chronic("dementia", "阿尔茨海默病", &["阿尔茨海默症", "老年痴呆", "痴呆"]),
    chronic("depression", "抑郁症", &[]),
    chronic("prostate", "前列腺增生", &["前列腺肥大", "良性前列腺增生"]),
    passing("allergy_rhinitis", "过敏性鼻炎", &["变应性鼻炎"]),
    passing("cold", "感冒", &["普通感冒", "伤风", "上呼吸道感染"]),
    passing("skin", "皮肤病", &["皮肤疾病", "皮炎", "湿疹"]),
    passing("pharyngitis", "咽炎", &["咽喉炎"]),
    passing("enteritis", "肠炎", &["急性肠胃炎"]),
    passing("conjunctivitis", "结膜炎", &[]),
    passing("mouth_ulcer", "口腔溃疡", &[]),
];

/// The disease that a word means: its code (in any case), its Chinese name or one of its other
/// names, with space around it ignored. None if the word is no disease we know.
pub fn find(word: &str) -> Option<&'static Disease> {
    let word = word.trim();
    ALL.iter().find(|disease| {
        disease.code.eq_ignore_ascii_case(word)
            || disease.name == word
            || disease
                .other_names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(word))
    })
}

/// Whether a code stands for a chronic disease. A code from a newer version is not known to be.
pub fn is_chronic(code: &str) -> bool {
    ALL.iter().any(|disease| disease.chronic && disease.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_and_chinese_names_are_accepted() {
        for (word, code) in [
            ("hypertension", "hypertension"),
            ("Hypertension", "hypertension"),
            (" 高血压 ", "hypertension"),
            ("2型糖尿病", "diabetes"),
            ("ii型糖尿病", "diabetes"),
            ("COPD", "copd"),
            ("甲亢", "thyroid"),
            ("过敏性鼻炎", "allergy_rhinitis"),
        ] {
            assert_eq!(find(word).map(|disease| disease.code), Some(code), "{word}");
        }
    }

    #[test]
    fn unknown_words_are_no_disease() {
        for word in ["", " ", "血压", "高血压家族史", "vip", "高血压;糖尿病"] {
            assert_eq!(find(word), None, "{word}");
        }
    }

    #[test]
    fn the_specifications_codes_have_their_marks() {
        for code in [
            "hypertension",
            "diabetes",
            "hyperlipidemia",
            "coronary_heart_disease",
            "stroke",
            "copd",
            "asthma",
            "gout",
            "hepatitis_b",
            "ckd",
            "osteoporosis",
            "arthritis",
            "thyroid",
            "gastric",
        ] {
            assert!(is_chronic(code), "{code}");
        }
        for code in ["allergy_rhinitis", "cold", "skin"] {
            assert!(find(code).is_some() && !is_chronic(code), "{code}");
        }
        assert!(!is_chronic("from_a_newer_version"));
    }

    #[test]
    fn no_word_means_two_diseases() {
        let mut seen = HashSet::new();
        for disease in ALL {
            for word in [disease.code, disease.name].iter().chain(disease.other_names) {
                assert!(seen.insert(word.to_lowercase()), "{word}");
            }
            assert!(
                disease
                    .code
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            );
        }
    }
}
