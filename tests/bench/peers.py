"""The same H-RFM on the same data by DuckDB and polars: the peers beside us in the bench table.

    peers.py parquet DIR            import files of DIR -> DIR/parquet (not timed)
    peers.py duckdb|polars DIR AS_OF  prints seconds, peak memory and the class counts as JSON

Both compute what `yaoban-hub classes` computes: recency, frequency and monetary by visit day, cut
points over the active members, scores, health need from diseases, last readings and BMI, class with the
health lift, and the board by class.
"""

import json
import resource
import sys
import time
from pathlib import Path

CHRONIC = ("hypertension", "diabetes")  # all that the bench chain holds


def parquet(folder: Path) -> None:
    import duckdb

    out = folder / "parquet"
    out.mkdir(exist_ok=True)
    con = duckdb.connect()
    for name in ("members", "purchases", "readings"):
        con.execute(f"COPY (FROM read_csv('{folder}/{name}.csv', header=true, all_varchar=true)) TO '{out}/{name}_text.parquet'")
    con.execute(f"""COPY (SELECT member_id, CAST(sold_at AS DATE) AS day,
        CAST(round(CAST(amount AS DECIMAL(18,2)) * 100) AS BIGINT) AS fen
        FROM '{out}/purchases_text.parquet') TO '{out}/purchases.parquet'""")
    con.execute(f"""COPY (SELECT member_id, CAST(joined_on AS DATE) AS joined_on, coalesce(diseases, '') AS diseases,
        CAST(height_cm AS INTEGER) AS height_cm, CAST(weight_kg AS DOUBLE) AS weight_kg
        FROM '{out}/members_text.parquet') TO '{out}/members.parquet'""")
    con.execute(f"""COPY (SELECT reading_id, member_id, CAST(taken_at AS TIMESTAMP) AS taken_at, kind,
        CAST(systolic AS INTEGER) AS systolic, CAST(diastolic AS INTEGER) AS diastolic,
        CAST(round(CAST(glucose AS DOUBLE) * 10) AS INTEGER) AS glucose, context
        FROM '{out}/readings_text.parquet') TO '{out}/readings.parquet'""")


DUCKDB = """
WITH d AS (
  SELECT member_id, day, sum(fen) AS net FROM '{p}/purchases.parquet' WHERE day <= DATE '{a}' GROUP BY ALL),
s AS (
  SELECT member_id,
    DATE '{a}' - max(day) FILTER (net > 0) AS recency,
    count(*) FILTER (net > 0 AND day > DATE '{a}' - 365) AS frequency,
    greatest(coalesce(sum(net) FILTER (day > DATE '{a}' - 365), 0), 0) AS monetary
  FROM d GROUP BY member_id),
v AS (
  SELECT m.member_id, m.diseases, m.height_cm, m.weight_kg, s.recency,
    coalesce(s.frequency, 0) AS frequency, coalesce(s.monetary, 0) AS monetary
  FROM '{p}/members.parquet' m LEFT JOIN s USING (member_id) WHERE m.joined_on <= DATE '{a}'),
n AS (SELECT count(*) AS n FROM v WHERE frequency > 0),
c AS (
  SELECT list(recency ORDER BY recency) AS rs, list(frequency ORDER BY frequency) AS fs,
    list(monetary ORDER BY monetary) AS ms FROM v WHERE frequency > 0),
k AS (
  SELECT [rs[(i * n + 4) // 5] for i in [1, 2, 3, 4]] AS cr,
    [fs[(i * n + 4) // 5] for i in [1, 2, 3, 4]] AS cf,
    [ms[(i * n + 4) // 5] for i in [1, 2, 3, 4]] AS cm FROM c, n),
bp AS (
  SELECT member_id, arg_max({{'s': systolic, 'd': diastolic}}, (taken_at, reading_id)) AS x
  FROM '{p}/readings.parquet' WHERE kind = 'bp' AND CAST(taken_at AS DATE) <= DATE '{a}'
    AND DATE '{a}' - CAST(taken_at AS DATE) <= 180 GROUP BY member_id),
gl AS (
  SELECT member_id, arg_max(glucose, (taken_at, reading_id)) AS g
  FROM '{p}/readings.parquet' WHERE kind = 'glucose' AND CAST(taken_at AS DATE) <= DATE '{a}'
    AND DATE '{a}' - CAST(taken_at AS DATE) <= 180 GROUP BY member_id),
h AS (
  SELECT v.*, 
    CASE WHEN diseases = '' AND x IS NULL AND g IS NULL THEN NULL ELSE 1 + least(4,
      least(2, len(list_filter(string_split(diseases, ';'), lambda t: t <> '')))
      + CASE WHEN x.s >= 180 OR x.d >= 110 THEN 3 WHEN x.s >= 160 OR x.d >= 100 THEN 2
             WHEN x.s >= 140 OR x.d >= 90 THEN 1 ELSE 0 END
      + CASE WHEN g >= 167 OR g < 39 THEN 3 WHEN g > 70 THEN 1 ELSE 0 END
      + CASE WHEN weight_kg * 10000 >= 28 * height_cm * height_cm
             OR weight_kg * 10000 < 18.5 * height_cm * height_cm THEN 1 ELSE 0 END) END AS need
  FROM v LEFT JOIN bp USING (member_id) LEFT JOIN gl USING (member_id)),
r AS (
  SELECT h.*, 
    CASE WHEN frequency = 0 THEN 1 ELSE 5 - len(list_filter(cr, lambda t: recency > t)) END AS r,
    CASE WHEN frequency = 0 THEN 1 ELSE 1 + len(list_filter(cf, lambda t: frequency > t)) END AS f,
    CASE WHEN frequency = 0 THEN 1 ELSE 1 + len(list_filter(cm, lambda t: monetary > t)) END AS m
  FROM h, k),
b AS (
  SELECT *, CASE
    WHEN r >= 3 AND f >= 4 AND m >= 4 THEN 'retain'
    WHEN r >= 3 AND f < 4 AND m >= 4 THEN 'develop'
    WHEN r < 3 AND m >= 4 THEN 'win_back'
    WHEN r >= 3 AND f >= 4 THEN 'valued'
    WHEN r < 3 AND f < 4 AND m < 4 THEN 'low' ELSE 'ordinary' END AS base FROM r),
z AS (
  SELECT *, CASE WHEN need >= 4 AND base = 'low' THEN 'ordinary'
    WHEN need >= 4 AND base = 'ordinary' THEN 'valued' ELSE base END AS class FROM b)
SELECT class, count(*) AS members, sum(monetary) AS spend_fen, avg(frequency), avg(recency)
FROM z GROUP BY class ORDER BY class
"""


def duckdb_board(folder: Path, as_of: str) -> dict:
    import duckdb

    rows = duckdb.connect().execute(DUCKDB.format(p=folder / "parquet", a=as_of)).fetchall()
    return {row[0]: [row[1], int(row[2])] for row in rows}


def polars_board(folder: Path, as_of: str) -> dict:
    import polars as pl
    from datetime import date

    at = date.fromisoformat(as_of)
    p = folder / "parquet"
    age = (pl.lit(at) - pl.col("day")).dt.total_days()
    spend = (
        pl.scan_parquet(p / "purchases.parquet")
        .filter(pl.col("day") <= at)
        .group_by("member_id", "day")
        .agg(pl.col("fen").sum().alias("net"))
        .with_columns(age.alias("age"))
        .group_by("member_id")
        .agg(
            pl.col("age").filter(pl.col("net") > 0).min().alias("recency"),
            ((pl.col("net") > 0) & (pl.col("age") < 365)).sum().cast(pl.Int64).alias("frequency"),
            pl.col("net").filter(pl.col("age") < 365).sum().clip(0).alias("monetary"),
        )
    )
    readings = (
        pl.scan_parquet(p / "readings.parquet")
        .with_columns(pl.col("taken_at").dt.date().alias("day"))
        .filter((pl.col("day") <= at) & (age <= 180))
        .sort("taken_at", "reading_id")
    )
    bp = readings.filter(pl.col("kind") == "bp").group_by("member_id").agg(pl.col("systolic", "diastolic").last())
    gl = readings.filter(pl.col("kind") == "glucose").group_by("member_id").agg(pl.col("glucose").last())
    table = (
        pl.scan_parquet(p / "members.parquet")
        .filter(pl.col("joined_on") <= at)
        .join(spend, on="member_id", how="left")
        .join(bp, on="member_id", how="left")
        .join(gl, on="member_id", how="left")
        .with_columns(pl.col("frequency").fill_null(0), pl.col("monetary").fill_null(0))
        .collect()
    )
    active = table.filter(pl.col("frequency") > 0)
    n = active.height
    cuts = {
        c: [active[c].sort()[-(-i * n // 5) - 1] for i in (1, 2, 3, 4)] for c in ("recency", "frequency", "monetary")
    }

    def over(c: str) -> "pl.Expr":
        return pl.sum_horizontal([(pl.col(c) > x).cast(pl.Int64) for x in cuts[c]])

    idle = pl.col("frequency") == 0
    s, d, g = pl.col("systolic"), pl.col("diastolic"), pl.col("glucose")
    square = pl.col("height_cm") * pl.col("height_cm")
    kilos = pl.col("weight_kg") * 10_000
    points = (
        pl.col("diseases").str.split(";").list.eval(pl.element().filter(pl.element() != "")).list.len().cast(pl.Int64).clip(0, 2)
        + pl.when((s >= 180) | (d >= 110)).then(3).when((s >= 160) | (d >= 100)).then(2).when((s >= 140) | (d >= 90)).then(1).otherwise(0)
        + pl.when((g >= 167) | (g < 39)).then(3).when(g > 70).then(1).otherwise(0)
        + pl.when((kilos >= 28 * square) | (kilos < 18.5 * square)).then(1).otherwise(0)
    )
    table = table.with_columns(
        pl.when(idle).then(1).otherwise(5 - over("recency")).alias("r"),
        pl.when(idle).then(1).otherwise(1 + over("frequency")).alias("f"),
        pl.when(idle).then(1).otherwise(1 + over("monetary")).alias("m"),
        pl.when((pl.col("diseases") == "") & s.is_null() & g.is_null()).then(None).otherwise(1 + points.clip(0, 4)).alias("need"),
    )
    recent, frequent, big = pl.col("r") >= 3, pl.col("f") >= 4, pl.col("m") >= 4
    table = table.with_columns(
        pl.when(recent & frequent & big).then(pl.lit("retain"))
        .when(recent & ~frequent & big).then(pl.lit("develop"))
        .when(~recent & big).then(pl.lit("win_back"))
        .when(recent & frequent).then(pl.lit("valued"))
        .when(~recent & ~frequent).then(pl.lit("low"))
        .otherwise(pl.lit("ordinary")).alias("base")
    ).with_columns(
        pl.when((pl.col("need") >= 4) & (pl.col("base") == "low")).then(pl.lit("ordinary"))
        .when((pl.col("need") >= 4) & (pl.col("base") == "ordinary")).then(pl.lit("valued"))
        .otherwise(pl.col("base")).alias("class")
    )
    board = table.group_by("class").agg(
        pl.len().alias("members"), pl.col("monetary").sum(), pl.col("frequency").mean(), pl.col("recency").mean()
    )
    return {row[0]: [row[1], row[2]] for row in board.sort("class").iter_rows()}


def main() -> None:
    verb, folder = sys.argv[1], Path(sys.argv[2])
    if verb == "parquet":
        parquet(folder)
        return
    board = {"duckdb": duckdb_board, "polars": polars_board}[verb]
    started = time.perf_counter()
    classes = board(folder, sys.argv[3])
    print(json.dumps({
        "peer": verb,
        "seconds": round(time.perf_counter() - started, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "classes": classes,
    }))


main()
