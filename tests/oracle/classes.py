"""H-RFM from section 1 of the rules, and the split into chronic and general."""

from collections import defaultdict
from dataclasses import dataclass

import polars as pl

from facts import CHRONIC, WINDOW

CLASSES = ["retain", "develop", "win_back", "valued", "ordinary", "low"]


@dataclass
class Figures:
    recency: int | None
    frequency: int
    monetary: int
    basket: int | None


def half_up(amount, by):
    """A quotient rounded half up, in whole numbers."""
    return (2 * amount + by) // (2 * by)


def figures(member, as_of):
    visits = [day for day, fen in member.days if fen > 0]
    within = [(day, fen) for day, fen in member.days if as_of - day < WINDOW]
    frequency = sum(1 for _, fen in within if fen > 0)
    monetary = max(0, sum(fen for _, fen in within))
    return Figures(as_of - visits[-1] if visits else None, frequency, monetary,
                   half_up(monetary, frequency) if frequency else None)


def cut_points(values):
    """The values at ascending ranks ceil(i n / 5), i = 1..4."""
    ranked = sorted(values)
    return [ranked[-(-i * len(ranked) // 5) - 1] for i in range(1, 5)]


def exceeded(value, cuts):
    return sum(1 for cut in cuts if value > cut)


def bp_grade(reading):
    """0 normal, 1 high-normal, 2..4 grades 1..3."""
    high, low = reading.systolic, reading.diastolic
    if high >= 180 or low >= 110:
        return 4
    if high >= 160 or low >= 100:
        return 3
    if high >= 140 or low >= 90 or (reading.context == "home" and (high >= 135 or low >= 85)):
        return 2
    return 1 if high >= 120 or low >= 80 else 0


def latest(member, kind, as_of, days):
    found = [reading for reading in member.readings if reading.kind == kind]
    if not found or as_of - found[-1].day > days:
        return None
    assert len(found) < 2 or found[-1].at > found[-2].at, f"two latest readings of {member.id}: the data leave it open"
    return found[-1]


def health(member, as_of):
    """Health need 1..5, or none if unknown."""
    if not member.diseases and not any(as_of - reading.day <= 180 for reading in member.readings):
        return None
    points = min(2, sum(1 for disease in member.diseases if disease in CHRONIC))
    pressure = latest(member, "bp", as_of, 180)
    if pressure:
        points += max(0, bp_grade(pressure) - 1)
    glucose = latest(member, "glucose", as_of, 180)
    if glucose:
        tenths = glucose.tenths
        if tenths >= 167 or tenths < 39:
            points += 3
        elif tenths > 70 if glucose.context == "fasting" else tenths >= 100:
            points += 1
    if member.height_cm and member.weight_hg:
        # kg / m² = hg · 1000 / cm²
        scaled, square = member.weight_hg * 10_000, member.height_cm**2
        points += scaled >= 280 * square or scaled < 185 * square
    return 1 + min(4, points)


def verdict(r, f, m, h):
    recent, frequent, big = r >= 3, f >= 4, m >= 4
    if big:
        base = ("retain" if frequent else "develop") if recent else "win_back"
    elif recent and frequent:
        base = "valued"
    elif not recent and not frequent:
        base = "low"
    else:
        base = "ordinary"
    if h is not None and h >= 4:
        return {"low": "ordinary", "ordinary": "valued"}.get(base, base)
    return base


def classify(chain):
    """Cut points and one row a member."""
    every = {member.id: figures(member, chain.as_of) for member in chain.members}
    active = [found for found in every.values() if found.frequency >= 1]
    cuts = None
    if active:
        cuts = {name: cut_points([getattr(found, name) for found in active]) for name in ("recency", "frequency", "monetary")}
    rows = []
    for member in chain.members:
        found, h = every[member.id], health(member, chain.as_of)
        r = f = m = 1
        if found.frequency >= 1:
            r = 5 - exceeded(found.recency, cuts["recency"])
            f = 1 + exceeded(found.frequency, cuts["frequency"])
            m = 1 + exceeded(found.monetary, cuts["monetary"])
        index = half_up(20 * (r - 1) + 25 * (f - 1) + 40 * (m - 1) + 15 * ((h or 1) - 1), 4)
        rows.append({"member_id": member.id, "recency": found.recency, "frequency": found.frequency,
                     "monetary_fen": found.monetary, "basket_fen": found.basket, "r": r, "f": f, "m": m, "h": h,
                     "class": verdict(r, f, m, h), "value_index": index})
    return cuts, len(active), rows


def board(rows):
    """Per class: heads, spend, visits, and sums with counts for the means, so that nothing is rounded here."""
    found = {name: defaultdict(int) for name in CLASSES}
    for row in rows:
        of = found[row["class"]]
        of["members"] += 1
        of["spend_fen"] += row["monetary_fen"]
        of["visits"] += row["frequency"]
        if row["recency"] is not None:
            of["recency_sum"] += row["recency"]
            of["recency_members"] += 1
    names = ("members", "spend_fen", "visits", "recency_sum", "recency_members")
    return [{"class": name, **{key: of[key] for key in names}} for name, of in found.items()]


def chronic(chain):
    """Ids of chronic members: by diagnosis, by fills of a chronic ingredient, or by readings."""
    fills = (
        chain.lines.filter((pl.col("chronic") == "yes") & (chain.as_of - pl.col("day") < 180))
        .group_by("member_id", "ingredient", "day").agg(pl.col("milli").sum()).filter(pl.col("milli") > 0)
        .group_by("member_id", "ingredient").len().filter(pl.col("len") >= 2)
    )
    found = set(fills["member_id"])
    for member in chain.members:
        high = {reading.day for reading in member.readings if chain.as_of - reading.day < 365 and elevated(reading)}
        if len(high) >= 2 or any(disease in CHRONIC for disease in member.diseases):
            found.add(member.id)
    return found


def elevated(reading):
    if reading.kind == "bp":
        high, low = (135, 85) if reading.context == "home" else (140, 90)
        return reading.systolic >= high or reading.diastolic >= low
    return reading.tenths >= (70 if reading.context == "fasting" else 111)
