"""Leanings from section 8 of the rules, by the exact terms that the domain's reference gives them."""

from collections import Counter, defaultdict
from fractions import Fraction

import polars as pl

import classes
import medicine
from facts import WINDOW


def price_ranks(chain):
    """Drug → rank in millionths by what the chain took for one dosage unit in the window, within the ingredient."""
    sold = (chain.lines.filter((chain.as_of - pl.col("day") < WINDOW) & pl.col("ingredient").is_not_null())
            .group_by("drug_id", "ingredient", "units_per_pack").agg(pl.col("milli").sum(), pl.col("fen").sum()))
    prices = defaultdict(dict)
    for drug, ingredient, units, milli, fen in sold.select("drug_id", "ingredient", "units_per_pack", "milli", "fen").iter_rows():
        units = medicine.milli(units)
        if units and milli > 0 and fen > 0:
            prices[ingredient][drug] = Fraction(fen, milli * units)
    ranks = {}
    for by_drug in prices.values():
        for drug, price in by_drug.items():
            cheaper = sum(other < price for other in by_drug.values())
            dearer = sum(other > price for other in by_drug.values())
            if cheaper + dearer:
                ranks[drug] = cheaper * 1_000_000 // (cheaper + dearer)
    return ranks


def purchases(chain):
    """Member → (drug, ingredient, maker) of each purchase: a drug on a date of the window with a net quantity above 0."""
    net = (chain.lines.filter(chain.as_of - pl.col("day") < WINDOW)
           .group_by("member_id", "day", "drug_id", "ingredient", "manufacturer").agg(pl.col("milli").sum())
           .filter(pl.col("milli") > 0))
    found = defaultdict(list)
    for member, drug, ingredient, maker in net.select("member_id", "drug_id", "ingredient", "manufacturer").iter_rows():
        found[member].append((drug, ingredient, maker))
    return found


def brand_loyal(bought):
    counts = Counter(ingredient for _, ingredient, _ in bought if ingredient)
    if not counts:
        return None
    most = min(counts, key=lambda ingredient: (-counts[ingredient], ingredient.encode()))
    makers = Counter(maker for _, ingredient, maker in bought if ingredient == most and maker)
    return any(count * 100 >= counts[most] * 80 for count in makers.values())


def price(bought, ranks):
    known = [ranks[drug] for drug, _, _ in bought if drug in ranks]
    if not known:
        return None
    mean = Fraction(sum(known), len(known) * 1_000_000)
    return "price_minded" if mean <= Fraction(33, 100) else "quality_minded" if mean >= Fraction(67, 100) else None


def regular(member, as_of):
    visits = [day for day, fen in member.days if fen > 0 and as_of - day < WINDOW]
    gaps = [after - before for before, after in zip(visits, visits[1:])]
    if len(gaps) < 4:
        return None
    total, squares, count = sum(gaps), sum(gap * gap for gap in gaps), len(gaps)
    return 10_000 * (count * squares - total * total) <= 35 * 35 * total * total


def severity(member, as_of):
    names = ["normal", "high_normal", "grade1", "grade2", "grade3"]
    grades = []
    pressure = classes.latest(member, "bp", as_of, 180)
    if pressure:
        grades.append(classes.bp_grade(pressure))
    glucose = classes.latest(member, "glucose", as_of, 180)
    if glucose:
        tenths, fasting = glucose.tenths, glucose.context == "fasting"
        if tenths >= 167 or tenths < 39:
            grades.append(4)
        elif tenths >= (70 if fasting else 100):
            grades.append(2)
        else:
            grades.append(1 if fasting and tenths >= 61 else 0)
    return names[max(grades)] if grades else None


def of_members(chain):
    """Member id → its leanings."""
    ranks, bought = price_ranks(chain), purchases(chain)
    found = {}
    for member in chain.members:
        mine = bought.get(member.id, [])
        known = len(mine) >= 4
        taken = sum(1 for reading in member.readings if chain.as_of - reading.day < 90)
        found[member.id] = {
            "brand_loyal": brand_loyal(mine) if known else None,
            "price": price(mine, ranks) if known else None,
            "regular": regular(member, chain.as_of) if known else None,
            "testing": "none" if not taken else "occasional" if taken < 3 else "frequent",
            "severity": severity(member, chain.as_of),
        }
    return found
