#!/usr/bin/env python3
"""The expected results, calculated a second time from the CSV files and the rules alone.

    tests/oracle/oracle.py --data DIR --as-of DATE [--campaigns FILE [--contacts FILE]] > expected.json

Prints one JSON object: members, active, rows that the import skips or rejects, cut points, a board of classes, a row for each member, and
each audience with its rule and ids; with --campaigns, which
names a JSON list of {id, start, window_days, holdout, cost_fen, members} in the order of their making, also their figures,
with the gross ones of --contacts, a JSON list of {campaign, member, at, what: call or sms, result}.
Exit codes: 0 done, 75 the package registry is away, anything else a failure.
"""

import argparse
import json
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "data"))

import private


def main():
    parser = argparse.ArgumentParser(description="calculate the expected results from a chain's CSV files")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True)
    parser.add_argument("--campaigns", type=Path)
    parser.add_argument("--contacts", type=Path)
    options = parser.parse_args()
    private.again_inside()

    import audiences
    import classes
    import effect
    import facts

    chain, counts = facts.load(options.data, options.as_of)
    cuts, active, rows = classes.classify(chain)
    expected = {
        "as_of": options.as_of.isoformat(), "members": len(rows), "active": active, "import": counts,
        "cut_points": cuts, "board": classes.board(rows), "rows": rows,
        "audiences": audiences.expected(chain, rows),
    }
    if options.campaigns:
        assigned = json.loads(options.campaigns.read_text())
        for campaign in assigned:
            campaign["day"] = date.fromisoformat(campaign["start"]).toordinal()
        contacts = json.loads(options.contacts.read_text()) if options.contacts else []
        expected["campaigns"] = effect.campaigns(chain, assigned, contacts)
    json.dump(expected, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
