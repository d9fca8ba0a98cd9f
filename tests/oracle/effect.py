"""Figures of campaigns from section 6 of the rules: by assignment with lift and ROI, and gross from the contact on."""

import hashlib
from collections import defaultdict
from datetime import date
from fractions import Fraction
from math import sqrt
from statistics import NormalDist

import polars as pl

Z = NormalDist().inv_cdf(0.975)


def held_out(campaign, member, percent):
    """The lot: first 8 bytes of SHA-256 of campaign id, line feed, member id; modulo 10,000."""
    lot = int.from_bytes(hashlib.sha256(f"{campaign}\n{member}".encode()).digest()[:8], "big") % 10_000
    return lot < percent * 100


def purchases(chain):
    """Member → (day, net fen, margin in fen or none), one entry a business date."""
    dates = chain.lines.group_by("member_id", "day").agg(
        pl.col("fen").sum(), pl.col("cost").sum(), pl.col("cost").is_null().any().alias("unknown")).sort("member_id", "day")
    found = defaultdict(list)
    for member, day, fen, cost, unknown in dates.select("member_id", "day", "fen", "cost", "unknown").iter_rows():
        found[member].append((day, fen, None if unknown else fen - cost))
    return found


def first_contacts(contacts, as_of):
    """(campaign, member) → (first day, whether a call was answered), of answered calls and delivered messages."""
    found = {}
    for contact in contacts:
        day = date.fromisoformat(contact["at"][:10]).toordinal()
        if day > as_of or (contact["what"], contact["result"]) not in {("call", "answered"), ("sms", "delivered")}:
            continue
        first, answered = found.get((contact["campaign"], contact["member"]), (day, False))
        found[contact["campaign"], contact["member"]] = (min(first, day), answered or contact["what"] == "call")
    return found


def sums(credited, first, days):
    """Whether it bought, the amount and the margin (none if one is not known) of the days from the first one on."""
    inside = [(fen, margin) for day, fen, margin in credited if 0 <= day - first < days]
    margins = [margin for _, margin in inside]
    return any(fen > 0 for fen, _ in inside), sum(fen for fen, _ in inside), None if None in margins else sum(margins)


def wilson(buyers, members):
    share = buyers / members
    middle = (share + Z * Z / (2 * members)) / (1 + Z * Z / members)
    half = Z / (1 + Z * Z / members) * sqrt(share * (1 - share) / members + Z * Z / (4 * members * members))
    return share, middle - half, middle + half


def lift(treated, holdout):
    """Difference of the shares of buyers with Newcombe's interval; none if an arm is empty."""
    if not treated["margins"] or not holdout["margins"]:
        return None
    one, one_low, one_high = wilson(treated["buyers"], treated["members"])
    two, two_low, two_high = wilson(holdout["buyers"], holdout["members"])
    return {"value": one - two, "low": one - two - sqrt((one - one_low) ** 2 + (two_high - two) ** 2),
            "high": one - two + sqrt((one_high - one) ** 2 + (two - two_low) ** 2)}


def margin_of(treated, holdout):
    """What the campaign brought: (mean margin treated − held out) × treated, with a normal interval; none if unknown."""
    means = []
    for arm in (treated, holdout):
        margins = arm["margins"]
        if len(margins) < 2 or None in margins:
            return None
        mean = Fraction(sum(margins), len(margins))
        variance = sum((margin - mean) ** 2 for margin in margins) / (len(margins) - 1)
        means.append((mean, variance / len(margins)))
    (mean, variance), (base, base_variance) = means
    value, half = float((mean - base) * treated["members"]), Z * sqrt(variance + base_variance) * treated["members"]
    return {"value": value, "low": value - half, "high": value + half}


def roi(margin, cost_fen):
    if margin is None or not cost_fen:
        return None
    return {key: (value - cost_fen) / cost_fen for key, value in margin.items()}


def campaigns(chain, assigned, contacts):
    """`assigned`: campaigns in the order of their making, each {id, day (ordinal), window_days, holdout, cost_fen, members}.

    Every purchase is credited to the member's latest assignment up to its day, and counts if it lies in that
    campaign's window, which begins with the assignment day, for gross figures with the day of the first contact.
    `contacts`: each {campaign, member, at, what: call or sms, result}.
    """
    of_member, bought = defaultdict(list), purchases(chain)
    reached = first_contacts(contacts, chain.as_of)
    for place, campaign in enumerate(assigned):
        for member in campaign["members"]:
            of_member[member].append((campaign["day"], place))
    arm = lambda: {"members": 0, "buyers": 0, "amount_fen": 0, "margins": []}
    found = [{"id": campaign["id"], "treated": arm(), "holdout": arm(),
              "gross": {"reached": 0, "answered": 0, "buyers": 0, "amount_fen": 0}} for campaign in assigned]
    for member in chain.members:
        assignments = of_member.get(member.id, [])
        credited = {place: [] for _, place in assignments}
        for purchase in bought[member.id]:
            latest = max((item for item in assignments if item[0] <= purchase[0]), default=None)
            if latest:
                credited[latest[1]].append(purchase)
        for place, dates in credited.items():
            campaign, figures = assigned[place], found[place]
            of_arm = figures["holdout" if held_out(campaign["id"], member.id, campaign["holdout"]) else "treated"]
            buys, fen, margin = sums(dates, campaign["day"], campaign["window_days"])
            of_arm["members"] += 1
            of_arm["buyers"] += buys
            of_arm["amount_fen"] += fen
            of_arm["margins"].append(margin)
            contact = reached.get((campaign["id"], member.id))
            if contact:
                buys, fen, _ = sums(dates, contact[0], campaign["window_days"])
                gross = figures["gross"]
                gross["reached"] += 1
                gross["answered"] += contact[1]
                gross["buyers"] += buys
                gross["amount_fen"] += fen
    for campaign, figures in zip(assigned, found):
        treated, holdout, gross = figures["treated"], figures["holdout"], figures["gross"]
        figures["lift"] = lift(treated, holdout)
        figures["incremental_margin_fen"] = margin_of(treated, holdout)
        figures["roi"] = roi(figures["incremental_margin_fen"], campaign.get("cost_fen"))
        gross["repurchase_share"] = gross["buyers"] / gross["reached"] if gross["reached"] else None
        for of_arm in (treated, holdout):
            margins = of_arm.pop("margins")
            of_arm["margin_fen"] = None if None in margins else sum(margins)
            of_arm["buyer_share"] = of_arm["buyers"] / of_arm["members"] if of_arm["members"] else None
    return found
