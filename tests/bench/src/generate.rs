//! A large chain for measuring: plain, seeded and fast. The sample chain of `tests/data` is the
//! realistic one; this one only has the size and the spread (few members buy much, most buy little).

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use chrono::{Days, NaiveDate};

/// What to make.
#[derive(Debug, Clone, clap::Args)]
pub struct Size {
    /// Members.
    #[arg(long, default_value_t = 1_000_000)]
    pub members: u32,
    /// Purchase lines, about.
    #[arg(long, default_value_t = 12_000_000)]
    pub lines: u64,
    /// Stores.
    #[arg(long, default_value_t = 200)]
    pub stores: u32,
    /// Days of history.
    #[arg(long, default_value_t = 730)]
    pub days: u64,
    /// Last day of history.
    #[arg(long, default_value = "2026-06-30")]
    pub until: NaiveDate,
    /// Seed; the same seed makes the same files.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

const DRUGS: u32 = 150;
const INGREDIENTS: u32 = 60;
const SURNAMES: [&str; 12] = [
    "王", "李", "张", "刘", "陈", "杨", "单", "仇", "曾", "解", "欧阳", "尉迟",
];
const GIVEN: [&str; 16] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "涛", "明", "超",
];

/// SplitMix64: enough for spread, the same on every machine.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u32) -> u32 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u32
    }

    /// Below `n`, small numbers far more often: the square of an even draw.
    fn skewed(&mut self, n: u32) -> u32 {
        let even = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((even * even * f64::from(n)) as u32).min(n - 1)
    }
}

/// Writes the seven import files into `out`.
pub fn write(size: &Size, out: &Path) -> io::Result<()> {
    std::fs::create_dir_all(out)?;
    let mut rng = Rng(size.seed);
    stores(size, out)?;
    staff(size, out)?;
    drugs(out)?;
    members(size, &mut rng, out)?;
    purchases(size, &mut rng, out)?;
    readings(size, &mut rng, out)?;
    stock(size, &mut rng, out)
}

fn file(out: &Path, name: &str, header: &str) -> io::Result<BufWriter<File>> {
    let mut writer = BufWriter::with_capacity(1 << 20, File::create(out.join(name))?);
    writeln!(writer, "{header}")?;
    Ok(writer)
}

fn stores(size: &Size, out: &Path) -> io::Result<()> {
    let mut f = file(out, "stores.csv", "store_id,name,region")?;
    for s in 0..size.stores {
        writeln!(f, "S{s:04},第{s}店,R{}", s % 8)?;
    }
    f.flush()
}

fn staff(size: &Size, out: &Path) -> io::Result<()> {
    let mut f = file(out, "staff.csv", "staff_id,store_id,region,name,role,pharmacist")?;
    for s in 0..size.stores {
        writeln!(f, "M{s:04},S{s:04},,店长{s},store_manager,no")?;
        for c in 0..3 {
            writeln!(
                f,
                "C{s:04}{c},S{s:04},,店员{s}-{c},clerk,{}",
                if c == 0 { "yes" } else { "no" }
            )?;
        }
    }
    f.flush()
}

fn drugs(out: &Path) -> io::Result<()> {
    let header =
        "drug_id,name,ingredient,category,manufacturer,spec,units_per_pack,daily_units,prescription,chronic";
    let mut f = file(out, "drugs.csv", header)?;
    for d in 0..DRUGS {
        let ingredient = d % INGREDIENTS;
        let (pack, daily) = ([7, 14, 28, 30][(d % 4) as usize], [1, 2, 3][(d % 3) as usize]);
        let chronic = if ingredient < 25 { "yes" } else { "no" };
        writeln!(
            f,
            "D{d:04},药品{d},成分{ingredient},类别{},厂家{},{pack}片,{pack},{daily},{chronic},{chronic}",
            ingredient % 12,
            d % 9
        )?;
    }
    f.flush()
}

fn members(size: &Size, rng: &mut Rng, out: &Path) -> io::Result<()> {
    let header = "member_id,store_id,name,phone,sex,birthday,joined_on,diseases,allergies,tags,height_cm,weight_kg,consents";
    let mut f = file(out, "members.csv", header)?;
    let first = size.until - Days::new(size.days);
    for m in 0..size.members {
        let surname = SURNAMES[rng.below(12) as usize];
        let (a, b) = (GIVEN[rng.below(16) as usize], GIVEN[rng.below(16) as usize]);
        let sex = if rng.below(2) == 0 { "female" } else { "male" };
        let birthday =
            NaiveDate::from_ymd_opt(1940, 1, 1).unwrap_or_default() + Days::new(u64::from(rng.below(24_000)));
        let joined = first - Days::new(u64::from(rng.below(1_000)));
        let diseases =
            ["", "", "", "hypertension", "diabetes", "hypertension;diabetes"][rng.below(6) as usize];
        let allergies = if rng.below(40) == 0 { "青霉素" } else { "" };
        let tags = ["", "", "老年卡", "医保"][rng.below(4) as usize];
        let consents = if rng.below(3) == 0 {
            ""
        } else {
            "membership=yes@2025-01-01;marketing:call=yes@2025-01-01"
        };
        writeln!(
            f,
            "V{m:08},S{:04},{surname}{a}{b},1{:010},{sex},{birthday},{joined},{diseases},{allergies},{tags},{},{}.5,{consents}",
            m % size.stores,
            3_000_000_000_u64 + u64::from(m) * 6_091 % 6_999_999_999,
            150 + rng.below(40),
            45 + rng.below(45),
        )?;
    }
    f.flush()
}

fn purchases(size: &Size, rng: &mut Rng, out: &Path) -> io::Result<()> {
    let mut f = file(
        out,
        "purchases.csv",
        "line_id,member_id,store_id,sold_at,drug_id,quantity,amount,cost",
    )?;
    let mut line = 0_u64;
    for day in 0..size.days {
        let date = size.until - Days::new(size.days - 1 - day);
        let goal = size.lines * (day + 1) / size.days;
        while line < goal {
            let member = rng.skewed(size.members);
            let second = 8 * 3_600 + rng.below(13 * 3_600);
            for _ in 0..=rng.below(3) {
                let drug = rng.skewed(DRUGS);
                let packs = i64::from(1 + rng.below(3));
                let fen = i64::from(500 + (drug * 137) % 9_000) * packs;
                let sign = if rng.below(60) == 0 { -1 } else { 1 };
                writeln!(
                    f,
                    "L{line:010},V{member:08},S{:04},{date} {:02}:{:02}:{:02},D{drug:04},{},{}{}.{:02},{}.{:02}",
                    member % size.stores,
                    second / 3_600,
                    second / 60 % 60,
                    second % 60,
                    sign * packs,
                    if sign < 0 { "-" } else { "" },
                    fen / 100,
                    fen % 100,
                    fen * 7 / 1_000,
                    fen * 7 / 10 % 100,
                )?;
                line += 1;
            }
        }
    }
    f.flush()
}

fn readings(size: &Size, rng: &mut Rng, out: &Path) -> io::Result<()> {
    let header = "reading_id,member_id,taken_at,kind,systolic,diastolic,glucose,context";
    let mut f = file(out, "readings.csv", header)?;
    for r in 0..size.lines / 40 {
        let member = rng.skewed(size.members);
        let date = size.until - Days::new(u64::from(rng.below(size.days as u32)));
        if rng.below(2) == 0 {
            let diastolic = 60 + rng.below(55);
            let systolic = diastolic + 30 + rng.below(40);
            writeln!(
                f,
                "R{r:09},V{member:08},{date} 09:30:00,bp,{systolic},{diastolic},,office"
            )?;
        } else {
            let tenths = 40 + rng.below(120);
            writeln!(
                f,
                "R{r:09},V{member:08},{date} 09:30:00,glucose,,,{}.{},fasting",
                tenths / 10,
                tenths % 10
            )?;
        }
    }
    f.flush()
}

fn stock(size: &Size, rng: &mut Rng, out: &Path) -> io::Result<()> {
    let mut f = file(out, "stock.csv", "store_id,drug_id,units")?;
    for s in 0..size.stores {
        for d in 0..DRUGS {
            writeln!(f, "S{s:04},D{d:04},{}", rng.below(40))?;
        }
    }
    f.flush()
}
