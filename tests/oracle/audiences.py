"""Audiences: each rule in the product's language beside its meaning, written out a second time from the rules."""

from datetime import date

import polars as pl

import classes
import leanings
import medicine


class Facts:
    """What the meanings below are made of: sets of member ids."""

    def __init__(self, chain, rows):
        self.chain, self.rows = chain, rows
        self.members = {member.id: member for member in chain.members}
        self.everyone = set(self.members)
        self.chronic = classes.chronic(chain)
        self.leanings = leanings.of_members(chain)

    def figures(self, condition):
        """Members whose row of figures fits."""
        return {row["member_id"] for row in self.rows if condition(row)}

    def people(self, condition):
        """Members whose record fits."""
        return {member.id for member in self.chain.members if condition(member)}

    def leaning(self, name, *values):
        """Members with one of these values of a leaning."""
        return {member for member, found in self.leanings.items() if found[name] in values}

    def bought(self, column, values, first, last, times=None, milli=None, fen=None):
        """Members who bought between `first` and `last` days ago, net of returns, all given amounts reached."""
        ago = self.chain.as_of - pl.col("day")
        lines = self.chain.lines.filter(pl.col(column).is_in(values) & (ago >= first) & (ago <= last))
        days = lines.group_by("member_id", "day").agg(pl.col("milli").sum()).filter(pl.col("milli") > 0)
        counted = days.group_by("member_id").len("times")
        sums = lines.group_by("member_id").agg(pl.col("milli").sum(), pl.col("fen").sum())
        found = sums.join(counted, on="member_id", how="left").with_columns(pl.col("times").fill_null(0))
        for name, least in (("times", times), ("milli", milli), ("fen", fen)):
            if least is not None:
                found = found.filter(pl.col(name) >= least)
        return set(found["member_id"])

    def last_bought(self, column, values, first, last):
        lines = self.chain.lines.filter(pl.col(column).is_in(values))
        days = lines.group_by("member_id", "day").agg(pl.col("milli").sum()).filter(pl.col("milli") > 0)
        ago = self.chain.as_of - pl.col("day").max()
        found = days.group_by("member_id").agg(ago.alias("ago")).filter((pl.col("ago") >= first) & (pl.col("ago") <= last))
        return set(found["member_id"])

    def medicine(self, ingredient, statuses):
        return {member for member, status in medicine.statuses(self.chain, ingredient).items() if status in statuses}

    def age(self, member):
        born, today = member.birthday, date.fromordinal(self.chain.as_of)
        if born is None:
            return -1
        return today.year - born.year - ((today.month, today.day) < birthday_in(born, today.year))

    def days_to_birthday(self, member):
        today = date.fromordinal(self.chain.as_of)
        for year in (today.year, today.year + 1):
            day = date(year, *birthday_in(member.birthday, year))
            if day >= today:
                return (day - today).days
        raise AssertionError("a birthday falls on some day of each year")


def birthday_in(born, year):
    """Month and day on which a birthday falls in a year."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (2, 28) if (born.month, born.day) == (2, 29) and not leap else (born.month, born.day)


def last_reading(member, kind, contexts=None):
    found = [reading for reading in member.readings if reading.kind == kind and (not contexts or reading.context in contexts)]
    return found[-1] if found else None


def table(facts):
    """(name, rule, ids) for everything that is compared."""
    as_of, everyone = facts.chain.as_of, facts.everyone
    since = lambda day: as_of - day
    yield "everyone", {"all": []}, everyone
    yield "nobody", {"any": []}, set()
    for name in classes.CLASSES:
        yield f"class-{name}", {"class": name}, facts.figures(lambda row: row["class"] == name)
    yield "heads-and-spend", {"class": ["retain", "develop"]}, facts.figures(lambda row: row["class"] in ("retain", "develop"))
    yield "chronic", {"care": "chronic"}, facts.chronic
    yield "general", {"care": "general"}, everyone - facts.chronic
    yield "frequency-range", {"frequency": [10, 20]}, facts.figures(lambda row: 10 <= row["frequency"] <= 20)
    yield "never-in-window", {"frequency": {"max": 0}}, facts.figures(lambda row: row["frequency"] == 0)
    yield ("recency-edge", {"recency": {"min": 30, "max": 90}},
           facts.figures(lambda row: row["recency"] is not None and 30 <= row["recency"] <= 90))
    yield ("not-recency", {"not": {"recency": {"min": 30}}},
           everyone - facts.figures(lambda row: row["recency"] is not None and row["recency"] >= 30))
    yield "spend", {"monetary_fen": {"min": 200_000}}, facts.figures(lambda row: row["monetary_fen"] >= 200_000)
    yield ("basket", {"basket_fen": {"max": 2_500}},
           facts.figures(lambda row: row["basket_fen"] is not None and row["basket_fen"] <= 2_500))
    yield "value-index", {"value_index": {"min": 70}}, facts.figures(lambda row: row["value_index"] >= 70)
    yield ("joined-lately", {"joined": {"within_days": 90}},
           facts.people(lambda member: member.joined is not None and since(member.joined) <= 90))
    yield "birthday-week", {"birthday": {"within_days": 7}}, facts.people(
        lambda member: member.birthday is not None and facts.days_to_birthday(member) <= 7)
    yield "over-60", {"age": {"min": 60}}, facts.people(lambda member: facts.age(member) >= 60)
    yield ("women-of-a-store", {"all": [{"sex": "female"}, {"store": ["S001", "S367"]}]},
           facts.people(lambda member: member.sex == "female" and member.store in ("S001", "S367")))
    yield "tag", {"tags": ["关注血压", "失眠"]}, facts.people(lambda member: member.tags & {"关注血压", "失眠"})
    yield ("two-diseases", {"all": [{"disease": "hypertension"}, {"disease": "diabetes"}]},
           facts.people(lambda member: {"hypertension", "diabetes"} <= set(member.diseases)))

    # Purchases.
    bread = facts.bought("ingredient", ["BAKED BREAD/BUNS/ROLLS", "氨氯地平"], 0, 90, times=3)
    yield ("bought-thrice", {"bought": {"ingredient": ["BAKED BREAD/BUNS/ROLLS", "氨氯地平"], "within_days": 90,
                                        "at_least": {"times": 3}}}, bread)
    yield ("bought-amount", {"bought": {"category": ["DRUG GM", "感冒与止咳"], "days": [30, 180], "at_least": {"fen": 5_000}}},
           facts.bought("category", ["DRUG GM", "感冒与止咳"], 30, 180, fen=5_000))
    yield ("bought-units", {"bought": {"category": ["GROCERY", "中药饮片"], "within_days": 364,
                                       "at_least": {"units": 2.5, "times": 2}}},
           facts.bought("category", ["GROCERY", "中药饮片"], 0, 364, times=2, milli=2_500))
    yield ("bought-drug", {"bought": {"drug": ["P1082185", "D00001"], "within_days": 364}},
           facts.bought("drug_id", ["P1082185", "D00001"], 0, 364, times=1))
    yield ("not-bought", {"not_bought": {"ingredient": ["FLUID MILK PRODUCTS", "布洛芬"], "within_days": 60}},
           everyone - facts.bought("ingredient", ["FLUID MILK PRODUCTS", "布洛芬"], 0, 60, times=1))
    yield ("last-bought", {"last_bought": {"ingredient": ["SOFT DRINKS", "二甲双胍"], "days": [20, 60]}},
           facts.last_bought("ingredient", ["SOFT DRINKS", "二甲双胍"], 20, 60))

    # Medicines.
    yield ("running-low", {"medicine": {"ingredient": "氨氯地平", "status": "running_low"}},
           facts.medicine("氨氯地平", {"running_low"}))
    yield ("out", {"medicine": {"ingredient": ["二甲双胍", "阿托伐他汀"], "status": ["out", "lapsed"]}},
           facts.medicine("二甲双胍", {"out", "lapsed"}) | facts.medicine("阿托伐他汀", {"out", "lapsed"}))
    yield ("in-use-by-estimate", {"medicine": {"ingredient": ["FRZN ICE", "硝酸甘油", "ORAL HYGIENE PRODUCTS"], "status": "in_use"}},
           facts.medicine("FRZN ICE", {"in_use"}) | facts.medicine("硝酸甘油", {"in_use"})
           | facts.medicine("ORAL HYGIENE PRODUCTS", {"in_use"}))

    # Readings.
    high = facts.people(lambda member: (last := last_reading(member, "bp")) and last.systolic >= 140 and since(last.day) <= 180)
    yield "last-pressure-high", {"latest_reading": {"kind": "bp", "systolic": {"min": 140}, "within_days": 180}}, high
    yield ("last-home-pressure", {"latest_reading": {"kind": "bp", "context": "home", "diastolic": [60, 79]}}, facts.people(
        lambda member: (last := last_reading(member, "bp", {"home"})) and 60 <= last.diastolic <= 79))
    yield ("sugar-off-target", {"latest_reading": {"kind": "glucose", "context": "fasting", "glucose": {"min": 7.1}}},
           facts.people(lambda member: (last := last_reading(member, "glucose", {"fasting"})) and last.tenths >= 71))
    yield ("no-readings", {"readings": {"within_days": 90, "at_most": 0}},
           facts.people(lambda member: not any(since(reading.day) <= 90 for reading in member.readings)))
    yield ("many-readings", {"readings": {"kind": "bp", "at_least": 3, "within_days": 364}}, facts.people(
        lambda member: sum(reading.kind == "bp" and since(reading.day) <= 364 for reading in member.readings) >= 3))

    # Leanings.
    yield "brand-loyal", {"brand_loyal": True}, facts.leaning("brand_loyal", True)
    yield "not-brand-loyal", {"brand_loyal": False}, facts.leaning("brand_loyal", False)
    yield "price-minded", {"price": "price_minded"}, facts.leaning("price", "price_minded")
    yield "quality-minded", {"price": "quality_minded"}, facts.leaning("price", "quality_minded")
    yield "regular", {"regular": True}, facts.leaning("regular", True)
    yield "irregular", {"regular": False}, facts.leaning("regular", False)
    yield "tests-often", {"testing": "frequent"}, facts.leaning("testing", "frequent")
    yield "severe", {"severity": ["grade2", "grade3"]}, facts.leaning("severity", "grade2", "grade3")

    # Nested.
    retained = facts.figures(lambda row: row["class"] in ("retain", "win_back"))
    often = facts.figures(lambda row: row["frequency"] >= 30)
    yield ("nested", {"all": [
        {"any": [{"class": ["retain", "win_back"]}, {"all": [{"frequency": {"min": 30}}, {"not": {"care": "chronic"}}]}]},
        {"not": {"any": [{"latest_reading": {"kind": "bp", "systolic": {"min": 140}, "within_days": 180}},
                         {"bought": {"ingredient": ["BAKED BREAD/BUNS/ROLLS", "氨氯地平"], "within_days": 90,
                                     "at_least": {"times": 3}}}]}},
    ]}, (retained | (often - facts.chronic)) - (high | bread))


def expected(chain, rows):
    """Name → rule and the ids that it selects, ascending."""
    return {name: {"rule": rule, "ids": sorted(ids)} for name, rule, ids in table(Facts(chain, rows))}
