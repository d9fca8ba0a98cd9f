"""Reads a chain's CSV files into plain facts. Written from the specification alone, never from the product's code."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

import polars as pl

WINDOW = 365

# Codes of chronic diseases, and the Chinese words for them that the test data use. Anything else is a passing
# disease if it is one of PASSING, or no disease at all (the import keeps it as a tag).
CHRONIC = {
    "hypertension", "diabetes", "hyperlipidemia", "coronary_heart_disease", "stroke", "copd", "asthma", "gout",
    "hepatitis_b", "ckd", "osteoporosis", "arthritis", "thyroid", "gastric",
}
PASSING = {"allergy_rhinitis", "cold", "skin"}
CHINESE = {"高血压": "hypertension", "糖尿病": "diabetes", "高脂血症": "hyperlipidemia", "冠心病": "coronary_heart_disease",
           "痛风": "gout", "哮喘": "asthma"}


@dataclass
class Reading:
    """A reading that the import accepts."""

    day: int
    at: str
    kind: str
    context: str
    systolic: int | None
    diastolic: int | None
    tenths: int | None


@dataclass
class Member:
    """One member as of a day; days are proleptic ordinals."""

    id: str
    store: str
    sex: str
    birthday: date | None
    joined: int | None
    diseases: list
    tags: set
    height_cm: int | None
    weight_hg: int | None
    days: list = field(default_factory=list)  # (day, net fen), ascending
    readings: list = field(default_factory=list)  # ascending by time


@dataclass
class Chain:
    """Everything that exists on a day."""

    as_of: int
    members: list  # in the order of their ids
    lines: pl.DataFrame  # member_id, day (ordinal), drug_id, packs in thousandths, fen, ingredient, category, …
    drugs: pl.DataFrame


def read(path):
    return pl.read_csv(path, infer_schema=False)


def ordinal(column):
    """Days since 0001-01-01, the count of `date.toordinal`, of a text that starts with an ISO date."""
    return pl.col(column).str.slice(0, 10).str.to_date().dt.epoch("d") + date(1970, 1, 1).toordinal()


def thousandths(column):
    """An exact count of thousandths of a decimal text."""
    text = pl.col(column).str.strip_chars()
    whole = text.str.strip_chars_start("-").str.split(".")
    milli = (whole.list.get(0).cast(pl.Int64) * 1000
             + whole.list.get(1, null_on_oob=True).fill_null("0").str.pad_end(3, "0").cast(pl.Int64))
    return pl.when(text.str.starts_with("-")).then(-milli).otherwise(milli)


def plausible(reading):
    if reading.kind == "bp":
        high, low = reading.systolic, reading.diastolic
        return 40 <= high <= 300 and 20 <= low <= 200 and high > low
    return 6 <= reading.tenths <= 500


def readings(path, as_of):
    """Readings by member up to the day, ascending, and how many the import has to refuse."""
    by_member, refused = defaultdict(list), 0
    for row in read(path).sort("taken_at", "reading_id").iter_rows(named=True):
        number = lambda name: int(row[name]) if row[name] else None
        tenths = round(float(row["glucose"]) * 10) if row["glucose"] else None
        context = row["context"] or ("office" if row["kind"] == "bp" else "random")
        day = date.fromisoformat(row["taken_at"][:10]).toordinal()
        reading = Reading(day, row["taken_at"], row["kind"], context, number("systolic"), number("diastolic"), tenths)
        if not plausible(reading):
            refused += 1
        elif day <= as_of:
            by_member[row["member_id"]].append(reading)
    return by_member, refused


def split(text):
    return [part for part in (text or "").split(";") if part]


def load(folder, as_of):
    """The chain on a day (a `date`), and how many rows of each file the import has to skip or refuse."""
    as_of = as_of.toordinal()
    drugs = read(folder / "drugs.csv")
    purchases = read(folder / "purchases.csv")
    named = purchases.filter(pl.col("member_id").is_not_null() & (pl.col("member_id") != ""))
    known = named.filter(pl.col("drug_id").is_null() | pl.col("drug_id").is_in(drugs["drug_id"].to_list()))
    lines = (
        known
        .select("member_id", "store_id", "drug_id", ordinal("sold_at").cast(pl.Int64).alias("day"),
                thousandths("quantity").alias("milli"), (thousandths("amount") // 10).alias("fen"),
                (thousandths("cost") // 10).alias("cost"))
        .filter(pl.col("day") <= as_of)
        .join(drugs.select("drug_id", "ingredient", "category", "manufacturer", "chronic", "units_per_pack", "daily_units"),
              on="drug_id", how="left")
    )
    taken, refused = readings(folder / "readings.csv", as_of)
    counts = {"purchases": {"skipped": len(purchases) - len(named), "rejected": len(named) - len(known)},
              "readings": {"skipped": 0, "rejected": refused}}
    net = lines.group_by("member_id", "day").agg(pl.col("fen").sum()).sort("member_id", "day")
    days = defaultdict(list)
    for member, day, fen in net.iter_rows():
        days[member].append((day, fen))
    members = []
    for row in read(folder / "members.csv").sort("member_id").iter_rows(named=True):
        joined = date.fromisoformat(row["joined_on"]).toordinal() if row["joined_on"] else None
        if joined is not None and joined > as_of:
            continue
        words = [CHINESE.get(word, word) for word in split(row["diseases"])]
        known = sorted({word for word in words if word in CHRONIC | PASSING})
        tags = set(split(row["tags"])) | {word for word in words if word not in CHRONIC | PASSING}
        sex = {"女": "female", "男": "male"}.get(row["sex"], row["sex"] or "")
        members.append(Member(
            row["member_id"], row["store_id"] or "", sex, date.fromisoformat(row["birthday"]) if row["birthday"] else None,
            joined, known, tags, int(row["height_cm"]) if row["height_cm"] else None,
            round(float(row["weight_kg"]) * 10) if row["weight_kg"] else None, days[row["member_id"]],
            taken[row["member_id"]]))
    return Chain(as_of, members, lines.filter(pl.col("member_id").is_in([member.id for member in members])), drugs), counts
