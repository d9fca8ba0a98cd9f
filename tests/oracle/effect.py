"""Buyers of campaigns by arm from section 6 of the rules."""

import hashlib
from collections import defaultdict


def held_out(campaign, member, percent):
    """The lot: first 8 bytes of SHA-256 of campaign id, line feed, member id; modulo 10,000."""
    lot = int.from_bytes(hashlib.sha256(f"{campaign}\n{member}".encode()).digest()[:8], "big") % 10_000
    return lot < percent * 100


def campaigns(chain, assigned):
    """`assigned`: campaigns in the order of their making, each {id, day (ordinal), window_days, holdout, members}.

    Every purchase is credited to the member's latest assignment up to its day, and counts if it lies in that
    campaign's window, which begins with the assignment day.
    """
    of_member = defaultdict(list)
    for place, campaign in enumerate(assigned):
        for member in campaign["members"]:
            of_member[member].append((campaign["day"], place))
    arm = lambda: {"members": 0, "buyers": 0, "amount_fen": 0}
    found = [{"id": campaign["id"], "treated": arm(), "holdout": arm()} for campaign in assigned]
    for member in chain.members:
        assignments = of_member.get(member.id)
        if not assignments:
            continue
        taken = {place: [] for _, place in assignments}
        for day, fen in member.days:
            latest = max((item for item in assignments if item[0] <= day), default=None)
            if latest and day - latest[0] < assigned[latest[1]]["window_days"]:
                taken[latest[1]].append(fen)
        for place, amounts in taken.items():
            campaign = assigned[place]
            sums = found[place]["holdout" if held_out(campaign["id"], member.id, campaign["holdout"]) else "treated"]
            sums["members"] += 1
            sums["buyers"] += any(fen > 0 for fen in amounts)
            sums["amount_fen"] += sum(amounts)
    return found
