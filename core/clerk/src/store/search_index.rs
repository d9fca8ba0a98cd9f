//! What a name is found by: pairs of characters, initials and full pinyin in every reading.

use std::sync::LazyLock;

use pinyin::{ToPinyin, ToPinyinMulti};
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, params};
use rustc_hash::FxHashMap;

use super::Result;
use super::bulk::insert_all;

/// Readings of a name that are kept at most: a name of many polyphonic characters stays findable
/// by the commonest ones.
const READINGS_MAX: usize = 4;

/// Surnames whose reading as a surname is not among the dictionary's of the character, or differs
/// from it: surname, readings.
const SURNAMES: &[(&str, &[&str])] = &[
    ("尉迟", &["yu chi"]),
    ("万俟", &["mo qi"]),
    ("长孙", &["zhang sun"]),
    ("单于", &["chan yu"]),
    ("澹台", &["tan tai"]),
    ("令狐", &["ling hu"]),
    ("呼延", &["hu yan"]),
    ("单", &["shan", "dan"]),
    ("解", &["xie", "jie"]),
    ("仇", &["qiu", "chou"]),
    ("查", &["zha", "cha"]),
    ("曾", &["zeng"]),
    ("朴", &["piao", "pu"]),
    ("区", &["ou", "qu"]),
    ("乐", &["yue", "le"]),
    ("盖", &["ge", "gai"]),
    ("翟", &["zhai", "di"]),
    ("缪", &["miao", "mou"]),
    ("员", &["yun", "yuan"]),
    ("召", &["shao", "zhao"]),
    ("种", &["chong", "zhong"]),
    ("繁", &["po", "fan"]),
    ("冼", &["xian"]),
    ("折", &["she", "zhe"]),
    ("覃", &["qin", "tan"]),
    ("黑", &["he", "hei"]),
    ("秘", &["bi", "mi"]),
    ("隗", &["wei", "kui"]),
    ("沈", &["shen"]),
    ("宓", &["mi", "fu"]),
    ("撒", &["sa"]),
    ("洗", &["xian", "xi"]),
    ("任", &["ren"]),
    ("石", &["shi"]),
    ("叶", &["ye"]),
    ("葛", &["ge"]),
    ("燕", &["yan"]),
    ("过", &["guo"]),
    ("哈", &["ha"]),
    ("那", &["na"]),
    ("幺", &["yao"]),
    ("祭", &["zhai", "ji"]),
    ("逄", &["pang"]),
    ("郗", &["xi", "chi"]),
    ("郇", &["xun", "huan"]),
    ("仉", &["zhang"]),
    ("贾", &["jia"]),
    ("车", &["che"]),
    ("薄", &["bo", "bao"]),
    ("褚", &["chu"]),
    ("晁", &["chao"]),
    ("谌", &["chen", "shen"]),
    ("佘", &["she"]),
    ("逯", &["lu"]),
    ("尹", &["yin"]),
    ("舍", &["she"]),
    ("都", &["du"]),
    ("牟", &["mu", "mou"]),
    ("臧", &["zang"]),
    ("阚", &["kan"]),
    ("应", &["ying"]),
    ("柏", &["bai", "bo"]),
    ("重", &["chong"]),
];

/// What a name is found by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// Characters and pairs of characters after the first.
    pub grams: Vec<String>,
    /// Initials, one for each distinct reading.
    pub initials: Vec<String>,
    /// Full pinyin, one for each distinct reading.
    pub full: Vec<String>,
}

/// The keys of a name.
pub fn keys(name: &str) -> Keys {
    let chars = typed_chars(name);
    let readings = readings(&chars);
    let mut initials: Vec<String> = readings
        .iter()
        .map(|syllables| syllables.iter().filter_map(|s| s.chars().next()).collect())
        .collect();
    let mut full: Vec<String> = readings.iter().map(|syllables| syllables.concat()).collect();
    for keys in [&mut initials, &mut full] {
        keys.retain(|key| !key.is_empty());
        keys.sort_unstable();
        keys.dedup();
    }
    Keys {
        grams: grams(&chars),
        initials,
        full,
    }
}

fn typed_chars(name: &str) -> Vec<char> {
    name.chars().filter(|c| !c.is_whitespace()).map(lower).collect()
}

fn grams(chars: &[char]) -> Vec<String> {
    let behind_first = chars.get(1..).unwrap_or_default();
    let ones = behind_first.iter().map(char::to_string);
    let pairs = behind_first.windows(2).map(|pair| pair.iter().collect());
    let mut grams: Vec<String> = ones.chain(pairs).collect();
    grams.sort_unstable();
    grams.dedup();
    grams
}

fn lower(c: char) -> char {
    c.to_ascii_lowercase()
}

/// Every reading of a name as syllables, the likeliest first.
fn readings(chars: &[char]) -> Vec<Vec<String>> {
    let (mut all, taken) = surname(chars);
    for c in &chars[taken..] {
        let syllables = syllables(*c);
        if syllables.is_empty() {
            continue;
        }
        let mut longer = Vec::new();
        for syllable in &syllables {
            for reading in &all {
                if longer.len() < READINGS_MAX {
                    let mut reading = reading.clone();
                    reading.push(syllable.clone());
                    longer.push(reading);
                }
            }
        }
        all = longer;
    }
    all
}

/// Readings of the surname at the beginning, and how many characters it has.
fn surname(chars: &[char]) -> (Vec<Vec<String>>, usize) {
    let found = SURNAMES.iter().find(|(surname, _)| {
        surname.chars().count() <= chars.len() && surname.chars().zip(chars).all(|(a, b)| a == *b)
    });
    match found {
        Some((surname, readings)) => {
            let readings = readings
                .iter()
                .map(|r| r.split(' ').map(str::to_owned).collect())
                .collect();
            (readings, surname.chars().count())
        }
        None => (vec![Vec::new()], 0),
    }
}

/// Initials with which the pinyin of a name that begins with a character can begin, a bit a letter, for
/// the common Chinese characters. Nine in ten names are passed over by it, at a look into a table.
static FIRST_INITIALS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    COMMON_CHARS
        .filter_map(char::from_u32)
        .map(|c| {
            let mut initials = 0;
            let mut take = |syllable: &str| initials |= initial_bit(syllable.as_bytes());
            each_syllable(c, &mut take);
            if let Some(surname) = AS_SURNAME.get(&c) {
                surname.syllables.iter().copied().for_each(take);
            }
            // One without a syllable leaves its place to the one behind it.
            if initials == 0 { u32::MAX } else { initials }
        })
        .collect()
});

/// The block of Unicode that nearly all names are written in.
const COMMON_CHARS: std::ops::RangeInclusive<u32> = 0x4e00..=0x9fff;

/// The bit of a first letter; all of them for what is none, such as ü.
fn initial_bit(text: &[u8]) -> u32 {
    match text.first() {
        Some(letter @ b'a'..=b'z') => 1 << (letter - b'a'),
        _ => u32::MAX,
    }
}

/// What a character can be as the first one of a surname with a reading of its own.
#[derive(Debug, Default)]
struct AsSurname {
    syllables: Vec<&'static str>,
    /// Another character may belong to the surname, with a reading that no dictionary knows.
    compound: bool,
}

static AS_SURNAME: LazyLock<FxHashMap<char, AsSurname>> = LazyLock::new(|| {
    let mut all: FxHashMap<char, AsSurname> = FxHashMap::default();
    for (surname, readings) in SURNAMES {
        let mut chars = surname.chars();
        let Some(first) = chars.next() else { continue };
        let known = all.entry(first).or_default();
        known
            .syllables
            .extend(readings.iter().filter_map(|reading| reading.split(' ').next()));
        known.compound |= chars.next().is_some();
    }
    all
});

/// Whether the pinyin of a name, full or initials, can begin with these letters. False is sure and
/// takes a few look-ups, so that thousands of names are passed over; true has to be looked at with
/// [`keys`].
pub(crate) fn may_begin(name: &str, letters: &str) -> bool {
    let mut chars = name.chars().filter(|c| !c.is_whitespace()).map(lower);
    let Some(first) = chars.next() else { return false };
    let initials = (first as u32)
        .checked_sub(*COMMON_CHARS.start())
        .and_then(|at| FIRST_INITIALS.get(at as usize));
    if initials.is_some_and(|initials| initials & initial_bit(letters.as_bytes()) == 0) {
        return false;
    }
    let (mut known, mut as_full, mut as_initial) = (false, false, false);
    let mut take = |syllable: &str| {
        known = true;
        as_full |= !syllable.is_ascii() || syllable.starts_with(letters) || letters.starts_with(syllable);
        as_initial |= syllable.bytes().next() == letters.bytes().next();
    };
    each_syllable(first, &mut take);
    let surname = AS_SURNAME.get(&first);
    surname
        .into_iter()
        .flat_map(|s| &s.syllables)
        .for_each(|s| take(s));
    if as_full || !known {
        return true;
    }
    if !as_initial {
        return false;
    }
    // The second character of a compound surname has readings that no dictionary knows.
    if surname.is_some_and(|s| s.compound) {
        return true;
    }
    for letter in letters.bytes().skip(1) {
        let Some(c) = chars.next() else { return false };
        let (mut known, mut fits) = (false, false);
        each_syllable(c, &mut |syllable| {
            known = true;
            fits |= syllable.bytes().next() == Some(letter);
        });
        // One without a syllable leaves its place to the one behind it.
        if !known {
            return true;
        }
        if !fits {
            return false;
        }
    }
    true
}

/// Hands on each syllable that a dictionary has for a character, as it stands there (with ü); some may
/// come twice. A letter or digit is its own.
fn each_syllable(c: char, take: &mut impl FnMut(&str)) {
    if c.is_ascii_alphanumeric() {
        return take(c.encode_utf8(&mut [0; 4]));
    }
    c.to_pinyin().into_iter().for_each(|one| take(one.plain()));
    if let Some(multi) = c.to_pinyin_multi() {
        multi.into_iter().for_each(|one| take(one.plain()));
    }
}

/// Syllables of a character as they are typed, the commonest first.
fn syllables(c: char) -> Vec<String> {
    let mut syllables = Vec::new();
    each_syllable(c, &mut |syllable| {
        let typed = plain(syllable);
        if !typed.is_empty() && !syllables.contains(&typed) {
            syllables.push(typed);
        }
    });
    syllables
}

/// Letters as they are typed: ü is v.
fn plain(syllable: &str) -> String {
    syllable
        .replace('ü', "v")
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect()
}

/// Adds the keys of a name.
pub(super) fn add(conn: &Connection, member_key: i64, name: &str) -> Result<()> {
    each(
        conn,
        member_key,
        name,
        [
            "INSERT OR IGNORE INTO gram (gram, member_key) VALUES (?1, ?2)",
            "INSERT OR IGNORE INTO pinyin (kind, reading, member_key) VALUES (?3, ?1, ?2)",
        ],
    )
}

/// Takes the keys of a name away.
pub(super) fn remove(conn: &Connection, member_key: i64, name: &str) -> Result<()> {
    each(
        conn,
        member_key,
        name,
        [
            "DELETE FROM gram WHERE gram = ?1 AND member_key = ?2",
            "DELETE FROM pinyin WHERE kind = ?3 AND reading = ?1 AND member_key = ?2",
        ],
    )
}

fn each(conn: &Connection, member_key: i64, name: &str, [gram_sql, pinyin_sql]: [&str; 2]) -> Result<()> {
    let keys = keys(name);
    let mut gram = conn.prepare_cached(gram_sql)?;
    for key in &keys.grams {
        gram.execute(params![key, member_key])?;
    }
    let mut pinyin = conn.prepare_cached(pinyin_sql)?;
    for (kind, list) in [(INITIALS, &keys.initials), (FULL, &keys.full)] {
        for key in list {
            pinyin.execute(params![key, member_key, kind])?;
        }
    }
    Ok(())
}

/// `pinyin.kind` of initials.
pub(crate) const INITIALS: i64 = 0;
/// `pinyin.kind` of full pinyin.
pub(crate) const FULL: i64 = 1;

/// Names of the members that are here, by key.
pub(super) fn names(conn: &Connection) -> Result<Vec<(i64, String)>> {
    let mut statement = conn.prepare("SELECT member_key, name FROM member WHERE standing > 0")?;
    let names = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// The index of a fresh file, made in one go: keys are sorted first, so that the trees grow at their
/// right edge only.
pub(super) struct Sorted {
    grams: KeyList,
    initials: KeyList,
    full: KeyList,
}

impl Sorted {
    /// The keys of these names.
    pub(super) fn of(names: &[(i64, String)]) -> Self {
        // Most names have three characters and one reading.
        let [mut grams, mut initials, mut full] =
            [(3, 12), (1, 3), (1, 12)].map(|(keys, bytes)| KeyList::sized(names.len(), keys, bytes));
        for (member_key, name) in names {
            let keys = keys(name);
            grams.add(&keys.grams, *member_key);
            initials.add(&keys.initials, *member_key);
            full.add(&keys.full, *member_key);
        }
        [&mut grams, &mut initials, &mut full]
            .into_iter()
            .for_each(KeyList::sort);
        Self {
            grams,
            initials,
            full,
        }
    }

    /// Writes the index into a file that has none.
    pub(super) fn insert(&self, conn: &Connection) -> Result<()> {
        let grams = self
            .grams
            .iter()
            .map(|(gram, member_key)| [ToSqlOutput::from(gram), ToSqlOutput::from(member_key)]);
        insert_all(conn, "INSERT INTO gram (gram, member_key)", grams)?;
        for (kind, list) in [(INITIALS, &self.initials), (FULL, &self.full)] {
            let readings = list.iter().map(|(reading, member_key)| {
                [
                    ToSqlOutput::from(kind),
                    ToSqlOutput::from(reading),
                    ToSqlOutput::from(member_key),
                ]
            });
            insert_all(conn, "INSERT INTO pinyin (kind, reading, member_key)", readings)?;
        }
        Ok(())
    }
}

/// Keys of very many members, their texts one behind the other: a first load has little memory.
struct KeyList {
    texts: String,
    /// Where a text begins, its length, and the member.
    entries: Vec<(u32, u32, i64)>,
}

fn text_of<'t>(texts: &'t str, entry: &(u32, u32, i64)) -> &'t str {
    let begin = entry.0 as usize;
    &texts[begin..begin + entry.1 as usize]
}

impl KeyList {
    /// An empty one with room for so many names.
    fn sized(names: usize, keys_each: usize, bytes_each: usize) -> Self {
        Self {
            texts: String::with_capacity(names * bytes_each),
            entries: Vec::with_capacity(names * keys_each),
        }
    }

    fn add(&mut self, keys: &[String], member_key: i64) {
        for key in keys {
            self.entries
                .push((self.texts.len() as u32, key.len() as u32, member_key));
            self.texts.push_str(key);
        }
    }

    /// Brings the keys into the order of their texts, then of the members.
    fn sort(&mut self) {
        let texts = &self.texts;
        self.entries.sort_unstable_by(|a, b| {
            text_of(texts, a)
                .cmp(text_of(texts, b))
                .then_with(|| a.2.cmp(&b.2))
        });
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = (&str, i64)> {
        self.entries
            .iter()
            .map(|entry| (text_of(&self.texts, entry), entry.2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_every_reading_of_its_surname() {
        let found = keys("单芳");
        assert!(found.initials.contains(&"sf".to_owned()));
        assert!(found.full.contains(&"shanfang".to_owned()));
        assert!(found.full.contains(&"danfang".to_owned()));
        assert_eq!(keys("尉迟恭").initials, ["ycg"]);
        assert!(keys("曾伟").full.contains(&"zengwei".to_owned()));
    }

    #[test]
    fn a_beginning_that_is_ruled_out_is_none() {
        let names = [
            "单芳",
            "尉迟恭",
            "尉芳",
            "欧阳娜",
            "欧娜",
            "吕洁",
            "王 芳",
            "王",
            "Anna Li",
            "曾伟",
            "乐乐乐",
            "·王",
            "兙芳",
            "王·芳欣",
            "娜·欣",
        ];
        let letters: Vec<String> = ('a'..='z')
            .flat_map(|a| ('a'..='z').map(move |b| format!("{a}{b}")))
            .chain(
                [
                    "wang", "wangf", "yuch", "oy", "lv", "w", "annal", "wfx", "ycg", "oyn", "lll", "yyy",
                ]
                .map(String::from),
            )
            .collect();
        for name in names {
            let keys = keys(name);
            for letters in &letters {
                let begins = keys
                    .full
                    .iter()
                    .chain(&keys.initials)
                    .any(|key| key.starts_with(letters));
                assert!(!begins || may_begin(name, letters), "{name} {letters}");
            }
        }
        assert!(!may_begin("王芳", "wb"));
        assert!(!may_begin("王芳", "lf"));
        assert!(!may_begin("王芳欣", "wfl"));
        assert!(!may_begin("王芳", "wfx"));
    }

    #[test]
    fn middle_and_end_of_a_name_are_grams() {
        assert_eq!(keys("欧阳娜").grams, ["娜", "阳", "阳娜"]);
        assert_eq!(keys("王").grams, Vec::<String>::new());
    }

    #[test]
    fn letters_are_their_own_and_readings_are_bounded() {
        assert_eq!(keys("Anna Li").full, ["annali"]);
        assert!(keys(&"乐".repeat(40)).full.len() <= READINGS_MAX);
        assert_eq!(
            keys("吕洁").full.iter().filter(|k| k.starts_with("lv")).count(),
            keys("吕洁").full.len()
        );
        assert_eq!(keys(""), Keys::default());
    }
}
