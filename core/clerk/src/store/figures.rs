//! What both ends compute and never send: figures, class, leanings and medicines of each member.
//!
//! A profile computes them afresh for its one member. Lists and groups read the cache (tables
//! `figure` and `medicine`), which is refreshed in batches off the hot path: for members whose rows
//! changed (`figure_stale`), and for everybody when the day, the model or the rules change.

use std::collections::hash_map::Entry;

use chrono::NaiveDate;
use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::FxHashMap;
use yaoban_domain::calendar::{day_number, from_day_number};
use yaoban_domain::class::{
    Figures, HealthInput, HealthPoints, Verdict, care, classify, figures, health_points, scores,
};
use yaoban_domain::codes::{Care, CarrierResult, Class, Code, MedicineStatus, Severity};
use yaoban_domain::health::{Latest, Measure, Taken, latest};
use yaoban_domain::leaning::{BoughtLine, Leanings, leanings};
use yaoban_domain::medicine::{DrugDose, Fill, MedicineState, Pdc, pdc, run_out};
use yaoban_domain::model::{Drug, Member};

use super::rows::StoredLine;
use super::{Durability, Result, Settings, Store, meta, rows};

/// Members of one batch: a batch is one short transaction.
pub const BATCH_MEMBERS: u32 = 1_000;

/// One medicine of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Medicine {
    /// The ingredient.
    pub ingredient: String,
    /// How it stands.
    pub state: MedicineState,
    /// Adherence, if it can be told.
    pub pdc: Option<Pdc>,
    /// Key of the drug that was bought last.
    pub last_drug_key: Option<i64>,
}

/// Everything that is computed of one member.
#[derive(Debug, Clone)]
pub struct Computed {
    /// The four values.
    pub figures: Figures,
    /// Class and why.
    pub verdict: Verdict,
    /// Points of the health need; none where it is unknown.
    pub health: Option<HealthPoints>,
    /// Chronic or general.
    pub care: Care,
    /// What the member tends to.
    pub leanings: Leanings,
    /// Medicines, by ingredient.
    pub medicines: Vec<Medicine>,
    /// Latest readings.
    pub latest: Latest,
}

/// What the catalogue says of a drug, for the rules.
#[derive(Debug, Clone)]
pub struct DrugInfo {
    /// The drug.
    pub drug: Drug,
    /// Its price rank, if it has one.
    pub price_rank_ppm: Option<u32>,
}

/// Drugs by key, read when they are first asked for.
#[derive(Debug, Default)]
pub struct Catalogue {
    drugs: FxHashMap<i64, Option<DrugInfo>>,
    ingredients: FxHashMap<String, i64>,
}

impl Catalogue {
    /// Reads the drugs of these lines that are not here yet.
    fn prepare(&mut self, conn: &Connection, lines: &[StoredLine], settings: &Settings) -> Result<()> {
        for key in lines.iter().filter_map(|line| line.drug_key) {
            if let Entry::Vacant(place) = self.drugs.entry(key) {
                place.insert(rows::drug_by_key(conn, key)?.map(|drug| DrugInfo {
                    price_rank_ppm: settings.model.price_ranks_ppm.get(&drug.id).copied(),
                    drug,
                }));
            }
        }
        Ok(())
    }

    /// The key of an ingredient; a new one gets one.
    fn ingredient(&mut self, conn: &Connection, name: &str) -> Result<i64> {
        if let Some(key) = self.ingredients.get(name) {
            return Ok(*key);
        }
        conn.prepare_cached("INSERT OR IGNORE INTO ingredient (ingredient) VALUES (?1)")?
            .execute([name])?;
        let key = conn
            .prepare_cached("SELECT ingredient_key FROM ingredient WHERE ingredient = ?1")?
            .query_row([name], |row| row.get(0))?;
        self.ingredients.insert(name.to_owned(), key);
        Ok(key)
    }

    /// The drug of a line.
    pub fn get(&self, key: Option<i64>) -> Option<&DrugInfo> {
        self.drugs.get(&key?)?.as_ref()
    }
}

/// Computes everything of one member.
pub fn compute(
    conn: &Connection,
    member_key: i64,
    member: &Member,
    lines: &[StoredLine],
    catalogue: &mut Catalogue,
    settings: &Settings,
    as_of: NaiveDate,
) -> Result<Computed> {
    catalogue.prepare(conn, lines, settings)?;
    let rules = &settings.rules;
    let days = net_by_day(lines);
    let readings = taken(conn, member_key)?;
    let latest = latest(readings.iter().copied(), as_of);
    let mut figures = figures(days.iter().copied(), as_of, &rules.class);
    // Lines older than a phone holds: the hub tells the last visit day.
    if figures.recency.is_none() {
        let older = member.lifetime.last_visit.filter(|day| *day <= as_of);
        figures.recency = older.map(|day| (as_of - day).num_days());
    }
    let health = health_points(
        &HealthInput {
            diseases: &member.diseases,
            latest,
            height_cm: member.height_cm,
            weight_hg: member.weight_hg,
        },
        as_of,
        rules,
    );
    let need = health.map(|points| points.need(&rules.class));
    let verdict = classify(
        scores(&figures, settings.model.cut_points.as_ref(), need),
        &rules.class,
    );
    let chronic = lines.iter().filter_map(|line| {
        let info = catalogue.get(line.drug_key)?;
        let ingredient = info.drug.ingredient.as_deref().filter(|_| info.drug.chronic)?;
        Some((ingredient, line.day, line.quantity_milli))
    });
    let measures = readings.iter().map(|taken| (taken.day, taken.measure));
    let care = care(&member.diseases, chronic, measures, as_of, rules);
    let mut bought: Vec<BoughtLine<'_>> = lines
        .iter()
        .map(|line| {
            let info = catalogue.get(line.drug_key);
            BoughtLine {
                day: line.day,
                drug_key: line.drug_key,
                ingredient: info.and_then(|info| info.drug.ingredient.as_deref()),
                manufacturer: info.and_then(|info| info.drug.manufacturer.as_deref()),
                price_rank_ppm: info.and_then(|info| info.price_rank_ppm),
                quantity_milli: line.quantity_milli,
            }
        })
        .collect();
    let leanings = leanings(&mut bought, days.iter().copied(), &readings, as_of, rules);
    let medicines = medicines(member, lines, catalogue, as_of, settings);
    Ok(Computed {
        figures,
        verdict,
        health,
        care,
        leanings,
        medicines,
        latest,
    })
}

/// Net fen by business date, ascending; lines come by day.
pub fn net_by_day(lines: &[StoredLine]) -> Vec<(i32, i64)> {
    let mut days: Vec<(i32, i64)> = Vec::new();
    for line in lines {
        match days.last_mut() {
            Some((day, net_fen)) if *day == line.day => *net_fen += line.amount_fen,
            _ => days.push((line.day, line.amount_fen)),
        }
    }
    days
}

/// A member's readings that are not superseded.
fn taken(conn: &Connection, member_key: i64) -> Result<Vec<Taken>> {
    let mut statement = conn.prepare_cached(
        "SELECT reading_id, member_key, taken_at_ms, kind, context, systolic, diastolic, glucose_tenths, staff_id,
            supersedes, day FROM reading WHERE member_key = ?1 AND superseded = 0 ORDER BY taken_at_ms, reading_id",
    )?;
    let mut rows = statement.query([member_key])?;
    let mut readings = Vec::new();
    while let Some(row) = rows.next()? {
        let reading = rows::read_reading(row, String::new())?;
        if let Some(measure) = Measure::of(&reading) {
            readings.push(Taken {
                day: row.get(10)?,
                at_ms: reading.taken_at_ms,
                measure,
            });
        }
    }
    Ok(readings)
}

fn medicines(
    member: &Member,
    lines: &[StoredLine],
    catalogue: &Catalogue,
    as_of: NaiveDate,
    settings: &Settings,
) -> Vec<Medicine> {
    let mut fills: Vec<(&str, Fill)> = lines
        .iter()
        .filter_map(|line| {
            let info = catalogue.get(line.drug_key)?;
            let ingredient = info.drug.ingredient.as_deref()?;
            let drug = DrugDose {
                drug_key: line.drug_key?,
                units_per_pack_milli: info.drug.units_per_pack_milli,
                daily_units_milli: info.drug.daily_units_milli,
            };
            Some((
                ingredient,
                Fill {
                    day: line.day,
                    quantity_milli: line.quantity_milli,
                    drug,
                },
            ))
        })
        .collect();
    // In which order lines of one day stand is nothing to `Medicine`.
    fills.sort_unstable_by_key(|(ingredient, fill)| (*ingredient, fill.day));
    let rules = &settings.rules.medicine;
    let mut medicines: Vec<Medicine> = fills
        .chunk_by(|a, b| a.0 == b.0)
        .map(|same| {
            let ingredient = same[0].0;
            let fills: Vec<Fill> = same.iter().map(|(_, fill)| *fill).collect();
            let regimen = member
                .regimens
                .iter()
                .find(|regimen| regimen.ingredient == ingredient);
            let bought = fills
                .iter()
                .rev()
                .find(|fill| fill.quantity_milli > 0 && fill.day <= day_number(as_of));
            Medicine {
                ingredient: ingredient.to_owned(),
                state: run_out(&fills, regimen, as_of, rules),
                pdc: pdc(&fills, regimen, as_of, rules),
                last_drug_key: bought.map(|fill| fill.drug.drug_key),
            }
        })
        .collect();
    for regimen in &member.regimens {
        if !medicines
            .iter()
            .any(|medicine| medicine.ingredient == regimen.ingredient)
        {
            medicines.push(Medicine {
                ingredient: regimen.ingredient.clone(),
                state: run_out(&[], Some(regimen), as_of, rules),
                pdc: None,
                last_drug_key: None,
            });
        }
    }
    medicines.sort_unstable_by(|a, b| a.ingredient.cmp(&b.ingredient));
    medicines
}

/// Of the medicines that the member still takes, by ingredient, the one that ends first.
fn next_medicine(medicines: &[Medicine]) -> Option<(NaiveDate, &str)> {
    let taken = medicines
        .iter()
        .filter(|m| m.state.status != Some(MedicineStatus::Lapsed));
    taken
        .filter_map(|medicine| Some((medicine.state.end?, medicine.ingredient.as_str())))
        .min()
}

/// What the cache holds of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cached {
    /// Class.
    pub class: Option<Class>,
    /// Chronic or general.
    pub care: Option<Care>,
    /// Value index.
    pub value_index: u8,
    /// Earliest end of a medicine.
    pub next_end: Option<NaiveDate>,
    /// Hours (bit 0 = midnight) at which calls were answered.
    pub answered_hours: u32,
}

/// Columns that [`read_cached`] reads, of a `figure` under the alias `f`.
pub const CACHED_COLUMNS: &str = "f.class, f.care, f.value_index, f.next_end_day, f.answered_hours";

/// Reads [`CACHED_COLUMNS`] from column `at` on; a member without figures has none.
pub fn read_cached(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Cached> {
    Ok(Cached {
        class: row.get_ref(at)?.as_str_or_null()?.and_then(Class::from_code),
        care: row.get_ref(at + 1)?.as_str_or_null()?.and_then(Care::from_code),
        value_index: row.get::<_, Option<u8>>(at + 2)?.unwrap_or(0),
        next_end: row.get::<_, Option<i32>>(at + 3)?.map(from_day_number),
        answered_hours: row.get::<_, Option<u32>>(at + 4)?.unwrap_or(0),
    })
}

/// By what all figures were computed.
fn target(settings: &Settings, as_of: NaiveDate) -> String {
    format!("{as_of}/{}/{}", settings.model.version, settings.rules.version)
}

const PROGRESS: &str = "figures_progress";

/// Whether the cache of every member is that of `as_of`.
pub fn is_current(conn: &Connection, settings: &Settings, as_of: NaiveDate) -> Result<bool> {
    let done: Option<String> = meta::get(conn, meta::FIGURES_OF)?;
    let stale = conn.prepare_cached("SELECT 1 FROM figure_stale")?.exists([])?;
    Ok(!stale && done.as_deref() == Some(target(settings, as_of).as_str()))
}

impl Store {
    /// Refreshes the cache of the next members, in one transaction. True while there is more.
    pub fn refresh_figures(&self, as_of: NaiveDate, members_max: u32) -> Result<bool> {
        let settings = self.settings();
        if self.read(|conn| is_current(conn, &settings, as_of))? {
            return Ok(false);
        }
        let target = target(&settings, as_of);
        self.write(Durability::Normal, |tx| -> Result<bool> {
            let done = meta::get::<String>(tx, meta::FIGURES_OF)?.as_deref() == Some(target.as_str());
            let keys = if done {
                stale_keys(tx, members_max)?
            } else {
                next_keys(tx, &target, members_max)?
            };
            let mut catalogue = Catalogue::default();
            for key in &keys {
                refresh(tx, *key, &mut catalogue, &settings, as_of)?;
            }
            let finished = keys.len() < members_max as usize;
            if done {
                return Ok(!finished);
            }
            match keys.last() {
                _ if finished => {
                    meta::set(tx, meta::FIGURES_OF, &target)?;
                    meta::remove(tx, PROGRESS)?;
                }
                Some(key) => meta::set(tx, PROGRESS, format!("{target}#{key}"))?,
                None => {}
            }
            Ok(true)
        })
    }

    /// Refreshes the cache until it is that of `as_of`.
    pub fn refresh_all_figures(&self, as_of: NaiveDate) -> Result<()> {
        while self.refresh_figures(as_of, BATCH_MEMBERS)? {}
        Ok(())
    }
}

fn stale_keys(conn: &Connection, limit: u32) -> Result<Vec<i64>> {
    keys(
        conn,
        "SELECT member_key FROM figure_stale WHERE member_key > ?1 ORDER BY member_key LIMIT ?2",
        i64::MIN,
        limit,
    )
}

/// The members after those that were refreshed to the same target before.
fn next_keys(conn: &Connection, target: &str, limit: u32) -> Result<Vec<i64>> {
    let progress: Option<String> = meta::get(conn, PROGRESS)?;
    let after = progress
        .as_deref()
        .and_then(|text| text.strip_prefix(target)?.strip_prefix('#')?.parse().ok())
        .unwrap_or(i64::MIN);
    keys(
        conn,
        "SELECT member_key FROM member WHERE member_key > ?1 AND standing > 0 ORDER BY member_key LIMIT ?2",
        after,
        limit,
    )
}

fn keys(conn: &Connection, sql: &str, after: i64, limit: u32) -> Result<Vec<i64>> {
    let mut statement = conn.prepare_cached(sql)?;
    let keys = statement.query_map(params![after, limit], |row| row.get(0))?;
    Ok(keys.collect::<rusqlite::Result<_>>()?)
}

fn refresh(
    conn: &Connection,
    key: i64,
    catalogue: &mut Catalogue,
    settings: &Settings,
    as_of: NaiveDate,
) -> Result<()> {
    conn.prepare_cached("DELETE FROM figure_stale WHERE member_key = ?1")?
        .execute([key])?;
    conn.prepare_cached("DELETE FROM medicine_end WHERE member_key = ?1")?
        .execute([key])?;
    let Some(member) = rows::member_by_key(conn, key)? else {
        conn.prepare_cached("DELETE FROM figure WHERE member_key = ?1")?
            .execute([key])?;
        return Ok(());
    };
    let lines = rows::stored_lines(conn, key)?;
    let computed = compute(conn, key, &member, &lines, catalogue, settings, as_of)?;
    let mut insert = conn.prepare_cached(
        "INSERT INTO medicine_end (member_key, ingredient_key, end_day, estimated) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for medicine in &computed.medicines {
        let state = &medicine.state;
        insert.execute(params![
            key,
            catalogue.ingredient(conn, &medicine.ingredient)?,
            state.end.map(day_number),
            state.estimated
        ])?;
    }
    let verdict = &computed.verdict;
    let leanings = &computed.leanings;
    let next = next_medicine(&computed.medicines);
    conn.prepare_cached(
        "INSERT OR REPLACE INTO figure (member_key, as_of_day, recency, frequency, monetary_fen, basket_fen, scores,
            base_class, class, value_index, care, brand_loyal, price_leaning, regular, testing, severity,
            next_end_day, next_ingredient_key, answered_hours)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
    )?
    .execute(params![
        key,
        day_number(as_of),
        computed.figures.recency,
        computed.figures.frequency,
        computed.figures.monetary_fen,
        computed.figures.basket_fen,
        packed_scores(verdict),
        verdict.base.code(),
        verdict.class.code(),
        verdict.value_index,
        computed.care.code(),
        leanings.brand_loyal,
        leanings.price.map(Code::code),
        leanings.regular,
        leanings.testing.code(),
        leanings.severity.map(Severity::code),
        next.map(|(end, _)| day_number(end)),
        next.map(|(_, ingredient)| catalogue.ingredient(conn, ingredient))
            .transpose()?,
        answered_hours(conn, key, settings)?,
    ])?;
    Ok(())
}

/// r, f, m, h as one number of four digits; h 0 where unknown.
fn packed_scores(verdict: &Verdict) -> u32 {
    let scores = verdict.scores;
    [scores.r, scores.f, scores.m, scores.h.unwrap_or(0)]
        .iter()
        .fold(0, |packed, score| packed * 10 + u32::from(*score))
}

/// The hours at which the member answered a call, a bit each.
fn answered_hours(conn: &Connection, member_key: i64, settings: &Settings) -> Result<u32> {
    let mut statement = conn.prepare_cached(
        "SELECT started_at_ms FROM attempt WHERE member_key = ?1 AND result = ?2 ORDER BY started_at_ms DESC LIMIT 50",
    )?;
    let mut rows = statement.query(params![member_key, CarrierResult::Answered.code()])?;
    let mut hours = 0_u32;
    while let Some(row) = rows.next()? {
        hours |= 1 << settings.calendar.hour(row.get(0)?);
    }
    Ok(hours)
}

/// The day at which the cache of a member was computed; none without one or if its rows changed.
pub fn as_of(conn: &Connection, member_key: i64) -> Result<Option<NaiveDate>> {
    let day: Option<i32> = conn
        .prepare_cached(
            "SELECT as_of_day FROM figure WHERE member_key = ?1
                AND NOT EXISTS (SELECT 1 FROM figure_stale WHERE member_key = ?1)",
        )?
        .query_row([member_key], |row| row.get(0))
        .optional()?;
    Ok(day.map(from_day_number))
}
