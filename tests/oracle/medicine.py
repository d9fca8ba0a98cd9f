"""Run-out of a medicine from section 3 of the rules, for members without own regimens."""

from collections import defaultdict

import polars as pl


def milli(text):
    return round(float(text) * 1000) if text else None


def kept(lines):
    """Fills [day, drug, thousandths of a pack] after each return took its units from the newest earlier fills."""
    fills = []
    for day, drug, packs in sorted(lines, key=lambda line: (line[0], line[2] < 0)):
        if packs > 0:
            if fills and fills[-1][:2] == [day, drug]:
                fills[-1][2] += packs
            else:
                fills.append([day, drug, packs])
            continue
        back = -packs
        for fill in reversed(fills):
            if fill[1] == drug and back:
                taken = min(back, fill[2])
                fill[2] -= taken
                back -= taken
    return [fill for fill in fills if fill[2] > 0]


def end(fills, doses):
    """Last day with stock, or none. `doses`: drug → (units a pack, units a day), both in thousandths."""
    if not fills:
        return None
    if all(doses[drug][0] and doses[drug][1] for _, drug, _ in fills):
        last = None
        for day, drug, packs in fills:
            units, daily = doses[drug]
            supply = max(1, packs * units // (1000 * daily))
            first = day if last is None else max(day, last + 1)
            last = first + supply - 1
        return last
    if any(doses[drug][0] and doses[drug][1] for _, drug, _ in fills):
        raise ValueError("known and unknown doses together: choose another ingredient for the comparison")
    days = sorted({day for day, _, _ in fills})[-6:]
    gaps = sorted(after - before for before, after in zip(days, days[1:]))
    if len(gaps) < 3:
        return None
    return days[-1] + gaps[(len(gaps) - 1) // 2] - 1


def status(last, as_of):
    left = last - as_of
    return "in_use" if left > 7 else "running_low" if left >= 0 else "out" if left >= -60 else "lapsed"


def statuses(chain, ingredient):
    """Member id → status of the ingredient."""
    drugs = chain.drugs.filter(pl.col("ingredient") == ingredient)
    doses = {row["drug_id"]: (milli(row["units_per_pack"]), milli(row["daily_units"])) for row in drugs.iter_rows(named=True)}
    by_member = defaultdict(list)
    for member, day, drug, packs in (chain.lines.filter(pl.col("ingredient") == ingredient)
                                     .select("member_id", "day", "drug_id", "milli").iter_rows()):
        by_member[member].append((day, drug, packs))
    found = {}
    for member, lines in by_member.items():
        last = end(kept(lines), doses)
        if last is not None:
            found[member] = status(last, chain.as_of)
    return found
