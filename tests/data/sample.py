#!/usr/bin/env python3
"""Makes a pharmacy chain that does not exist, in the import's file formats. Same options, same bytes.

    tests/data/sample.py --out DIR [--members 60000] [--stores 12] [--months 18] [--until DATE] [--seed 20] [--now TIME]

Needs nothing but Python 3.11. What is in it and why: see README.md beside this file.
"""

import argparse
import random
import sys
import time
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from medicines import catalogue
from people import People

CHINA = timezone(timedelta(hours=8))

# Disease code, share among the chronically ill, and what is bought for it: a category, or ingredients.
DISEASES = [
    ("hypertension", 0.58, "降压药"),
    ("diabetes", 0.28, "降糖药"),
    ("hyperlipidemia", 0.27, "调脂药"),
    ("coronary_heart_disease", 0.14, "心脑血管"),
    ("stroke", 0.05, "心脑血管"),
    ("copd", 0.03, "呼吸慢病"),
    ("asthma", 0.03, "呼吸慢病"),
    ("gout", 0.06, ("非布司他", "别嘌醇", "苯溴马隆")),
    ("osteoporosis", 0.06, ("碳酸钙D3", "骨化三醇", "阿仑膦酸钠")),
    ("arthritis", 0.06, ("氨基葡萄糖",)),
    ("thyroid", 0.04, ("左甲状腺素", "甲巯咪唑")),
    ("hepatitis_b", 0.03, ("恩替卡韦", "替诺福韦")),
    ("gastric", 0.06, ("奥美拉唑", "雷贝拉唑", "泮托拉唑")),
    ("ckd", 0.015, ("发酵冬虫夏草菌粉",)),
]
# Some tills write the name instead of the code.
CHINESE = {"hypertension": "高血压", "diabetes": "糖尿病", "hyperlipidemia": "高脂血症", "coronary_heart_disease": "冠心病",
           "gout": "痛风", "asthma": "哮喘"}
# Weight of a visit's reason by month (January first).
SEASONS = {
    "感冒与止咳": (14, 11, 9, 6, 4, 3, 3, 3, 5, 7, 10, 14),
    "皮肤与外用": (2, 2, 3, 4, 6, 8, 9, 8, 6, 4, 3, 2),
    "抗过敏": (1, 2, 4, 5, 4, 2, 2, 3, 4, 3, 1, 1),
    "胃肠": (4, 4, 4, 4, 4, 6, 6, 6, 5, 4, 4, 4),
    "滋补与中成药": (5, 4, 3, 3, 3, 2, 2, 2, 3, 4, 5, 6),
    "眼耳鼻喉口腔": (2,) * 12,
    "妇儿": (3,) * 12,
    "医疗器械": (4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 3, 4),
    "保健食品": (3, 2, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2),
    "中药饮片": (2, 2, 2, 1, 1, 2, 2, 1, 2, 2, 2, 2),
    "日用": (1,) * 12,
}
ALLERGIES = ["青霉素", "头孢类", "磺胺类", "阿司匹林", "布洛芬", "链霉素", "碘造影剂", "左氧氟沙星", "海鲜", "酒精"]
TAGS = ["送药上门", "子女代买", "关注价格", "关注血糖", "关注血压", "会员日常客", "需要大字说明", "喜欢中成药", "备孕", "新手妈妈", "普通话不便",
        "医保门慢", "晨练队", "独居老人"]
STORES = ["人民路", "西湖道", "解放大街", "建设路", "和平里", "长安街", "中山路", "新华园", "滨江", "东风桥", "文昌阁", "古城", "桃源", "科技园",
          "大学城", "南站", "北苑", "花溪", "龙泉", "白云"]
REGIONS = ["东区", "西区", "南区"]


class Chain:
    """Everything that is drawn, in the order in which it is drawn."""

    def __init__(self, options):
        self.o = options
        self.rng = random.Random(options.seed)
        self.until = options.until
        self.days = round(options.months * 30.4375)
        self.first = self.until - timedelta(days=self.days - 1)
        self.people = People(self.rng, self.until)
        self.drugs = catalogue(self.rng)
        self.by_ingredient, self.by_category, chronic = {}, {}, {}
        for drug in self.drugs:
            self.by_category.setdefault(drug.category, []).append(drug)
            if drug.chronic and drug.days:
                self.by_ingredient.setdefault(drug.ingredient, []).append(drug)
                chronic.setdefault(drug.category, {})[drug.ingredient] = None
        self.by_disease = {code: tuple(chronic[of]) if isinstance(of, str) else of for code, _, of in DISEASES}
        self.day_text = [(self.first + timedelta(days=n)).isoformat() for n in range(self.days)]
        self.time_text = [f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(86400)]
        self.reasons, self.reason_weights = list(SEASONS), []
        for month in range(12):
            total, row = 0, []
            for reason in self.reasons:
                total += SEASONS[reason][month]
                row.append(total)
            self.reason_weights.append(row)
        self.month = [(self.first + timedelta(days=n)).month - 1 for n in range(self.days)]
        self.lines, self.readings = [], []
        # Larger stores first, each with its share of the members.
        self.store_ids = [f"S{n + 1:03}" for n in range(options.stores)]
        self.store_weights, total = [], 0.0
        for n in range(options.stores):
            total += 1 / (n + 4)
            self.store_weights.append(total)

    # -- one line of a visit -------------------------------------------------------------------------------------

    def buy(self, day, second, member, store, drug, packs_milli):
        """Appends a purchase, and now and then its return."""
        rng = self.rng
        draw = rng.random()
        percent = 100 if draw < 0.6 else 95 if draw < 0.8 else 88 if draw < 0.93 else 75
        amount = (drug.price_fen * packs_milli * percent + 50_000) // 100_000
        cost = amount * (62 + drug.price_fen % 17) // 100
        self.lines.append((day, second, member, store, drug.id, packs_milli, amount, cost))
        if draw < 0.007:
            back = day + 1 + int(draw * 1400)
            if back < self.days:
                part = packs_milli if packs_milli <= 1000 or draw < 0.004 else 1000
                self.lines.append((back, second, member, store, drug.id, -part, -(amount * part // packs_milli),
                                   -(cost * part // packs_milli)))

    def second(self):
        """A second of the opening hours, 8:00 to 21:30, busier around ten and six."""
        draw = self.rng.random()
        centre = 37_000 if draw < 0.35 else 65_000 if draw < 0.6 else 0
        return int(centre + self.rng.random() * 9000) if centre else int(28_800 + self.rng.random() * 48_600)

    # -- what a member does --------------------------------------------------------------------------------------

    def fills(self, member, store, diseases, start):
        """Repeat fills: the next one comes around the end of the supply, by how carefully this member takes it."""
        rng = self.rng
        draw = rng.random()
        late, spread = (0.01, 0.07) if draw < 0.62 else (0.2, 0.25) if draw < 0.86 else (0.8, 0.6)
        quits = rng.random() < 0.14
        last = rng.randrange(start, self.days) if quits else self.days - 1
        for code in diseases:
            ingredient = rng.choice(self.by_disease[code])
            options = self.by_ingredient.get(ingredient)
            if not options:
                continue
            drug, loyal = rng.choice(options), rng.random() < 0.8
            day = start + int(rng.random() * 30)
            while day <= last:
                if not loyal and rng.random() < 0.4:
                    drug = rng.choice(options)
                packs = max(1, round((30 if rng.random() < 0.85 else 60) / drug.days)) if drug.days < 60 else 1
                shop = store if rng.random() < 0.93 else rng.choice(self.store_ids)
                self.buy(day, self.second(), member, shop, drug, packs * 1000)
                day += max(3, int(packs * drug.days * (1 + rng.gauss(late, spread))))

    def visits(self, member, store, start, yearly):
        """Visits for a reason of the season."""
        rng = self.rng
        span = self.days - start
        expected = yearly * span / 365
        count = int(expected) + (rng.random() < expected % 1)
        # Half of the casual customers come in one stretch and stay away afterwards.
        if rng.random() < 0.5:
            low = rng.randrange(span)
            high = min(span, low + 30 + rng.randrange(240))
        else:
            low, high = 0, span
        for _ in range(count):
            day = start + low + int(rng.random() * (high - low))
            second = self.second()
            shop = store if rng.random() < 0.9 else rng.choice(self.store_ids)
            draw = rng.random()
            for _ in range(1 if draw < 0.6 else 2 if draw < 0.9 else 3):
                reason = rng.choices(self.reasons, cum_weights=self.reason_weights[self.month[day]])[0]
                drug = rng.choice(self.by_category[reason])
                packs = rng.randrange(5, 400) * 10 if drug.herb else 2000 if rng.random() < 0.18 else 1000
                self.buy(day, second, member, shop, drug, packs)

    def measure(self, member, kind, start):
        """Readings of one member: an own level, drifting down while cared for, with the noise of real life."""
        rng = self.rng
        level = rng.gauss(139, 14) if kind == "bp" else rng.gauss(7.6, 1.9)
        home = rng.random() < 0.25
        day = start + int((self.days - start) * rng.random() * 0.95)
        step = rng.choice((14, 30, 30, 45, 90))
        count = rng.randrange(1, 13)
        while day < self.days and count:
            count -= 1
            second = self.second() - 1800
            if kind == "bp":
                systolic = min(235, max(82, round(rng.gauss(level, 8))))
                diastolic = min(systolic - 15, max(45, round(systolic * 0.6 + rng.gauss(0, 5))))
                self.readings.append((day, second, member, "bp", systolic, diastolic, "", "home" if home else "office"))
            else:
                context = rng.choice(("fasting", "fasting", "after_meal", "random"))
                value = max(3.2, rng.gauss(level + (0 if context == "fasting" else 2.2), 0.9))
                self.readings.append((day, second, member, "glucose", "", "", f"{value:.1f}", context))
            level -= 0.4 if kind == "bp" else 0.05
            day += max(1, int(step * (0.6 + rng.random())))

    # -- members -------------------------------------------------------------------------------------------------

    def consents(self, joined):
        """Purposes are asked one by one; some were never asked, some were taken back, some only for one channel."""
        rng = self.rng
        at = joined.isoformat()
        later = min(self.until, joined + timedelta(days=200)).isoformat()
        items = []
        if rng.random() < 0.95:
            items.append(f"membership=yes@{at}")
        draw = rng.random()
        if draw < 0.75:
            items.append(f"health={'yes' if draw < 0.7 else 'no'}@{at}")
        draw = rng.random()
        if draw < 0.55:
            items.append(f"marketing=yes@{at}")
            if draw < 0.05:
                items.append(f"marketing:sms=no@{later}")
        elif draw < 0.66:
            items.append(f"marketing=no@{later}")
        elif draw < 0.74:
            items.append(f"marketing:wechat=yes@{at}")
        if rng.random() < 0.5:
            items.append(f"profiling=yes@{at}")
        if rng.random() < 0.2:
            items.append(f"recording={'yes' if rng.random() < 0.7 else 'no'}@{at}")
        return ";".join(items)

    def members(self):
        """Yields the rows of members.csv and fills `lines` and `readings`."""
        rng, people = self.rng, self.people
        family = None  # (surname, number) of the member before
        for n in range(self.o.members):
            if n % 5000 == 0:
                progress("members", n, self.o.members)
            member = f"M{n + 1:07}"
            store = "" if rng.random() < 0.02 else rng.choices(self.store_ids, cum_weights=self.store_weights)[0]
            female = rng.random() < 0.57
            surname, phone = people.surname(), people.phone()
            draw = rng.random()
            if family and draw < 0.11:  # a household on one number: a child or a spouse of the member before
                surname, phone = (family[0] if draw < 0.06 else surname), family[1]
            elif draw > 0.975:
                phone = ""
            family = (surname, phone) if phone else None
            if draw > 0.97 and phone:
                phone = f"+86 {phone[:3]}-{phone[3:7]}-{phone[7:]}"
            birthday = people.birthday()
            age = (self.until - birthday).days // 365
            joined = self.until - timedelta(days=int(rng.random() ** 1.3 * 1900))
            start = max(0, (joined - self.first).days)
            if start >= self.days:
                start = self.days - 1
            ill, recorded = self.illnesses(age), ""
            if ill:
                known = [code for code in ill if rng.random() < 0.78]
                recorded = ";".join(CHINESE.get(code, code) if rng.random() < 0.2 else code for code in known)
                self.fills(member, store or rng.choice(self.store_ids), ill, start)
                if "hypertension" in ill and rng.random() < 0.4:
                    self.measure(member, "bp", start)
                if "diabetes" in ill and rng.random() < 0.45:
                    self.measure(member, "glucose", start)
            elif rng.random() < 0.05:
                self.measure(member, "bp", start)
            if not ill and rng.random() < 0.02:
                recorded = rng.choice(("allergy_rhinitis", "失眠", "颈椎病"))
            yearly = rng.choices((0, 1, 2.5, 6, 13), cum_weights=(19, 41, 71, 91, 100))[0]
            self.visits(member, store or rng.choice(self.store_ids), start, yearly)
            tags = ";".join(sorted(set(rng.choices(TAGS, k=rng.randrange(1, 3))))) if rng.random() < 0.3 else ""
            allergies = ";".join(dict.fromkeys(rng.choices(ALLERGIES, k=rng.choice((1, 1, 2))))) if rng.random() < 0.07 else ""
            known = rng.random() < 0.35
            height = round(rng.gauss(159 if female else 170, 6)) if known else ""
            weight = f"{max(38, rng.gauss(59 if female else 69, 10)):.1f}" if known else ""
            draw = rng.random()
            yield [member, store, surname + people.given(female), phone,
                   "" if draw < 0.03 else ("女" if female else "男") if draw < 0.2 else "female" if female else "male",
                   "" if 0.5 < draw < 0.54 else birthday.isoformat(), joined.isoformat(), recorded, allergies, tags,
                   str(height), weight, self.consents(joined)]
        progress("members", self.o.members, self.o.members)

    def illnesses(self, age):
        rng = self.rng
        if rng.random() > min(0.62, max(0.02, (age - 32) / 62)):
            return []
        found = [code for code, share, _ in DISEASES if rng.random() < share]
        return (found or ["hypertension"])[:4]

    def walk_ins(self):
        """Lines of customers who showed no card."""
        rng = self.rng
        for _ in range(len(self.lines) // 33):
            day = rng.randrange(self.days)
            reason = rng.choices(self.reasons, cum_weights=self.reason_weights[self.month[day]])[0]
            self.buy(day, self.second(), "", rng.choice(self.store_ids), rng.choice(self.by_category[reason]), 1000)

    def emergencies(self, members):
        """Today's alarming readings, within the hour before `now`, and some older ones that only show."""
        rng = self.rng
        today = self.days - 1
        now = self.o.now.hour * 3600 + self.o.now.minute * 60
        for n in range(min(12, members)):
            member = f"M{rng.randrange(members) + 1:07}"
            fresh = n < 4
            day = today if fresh else today - 5 - rng.randrange(100)
            second = max(0, now - 600 - n * 400) if fresh else self.second()
            if day < 0:
                continue
            if n % 3 == 2:
                self.readings.append((day, second, member, "glucose", "", "", rng.choice(("17.4", "3.1", "21.0")), "random"))
            else:
                self.readings.append((day, second, member, "bp", 182 + n, 104 + n, "", "office"))

    # -- the other files -----------------------------------------------------------------------------------------

    def stores(self):
        for n, store in enumerate(self.store_ids):
            name = STORES[n % len(STORES)] + (f"{n // len(STORES) + 1}" if n >= len(STORES) else "")
            yield [store, f"示范大药房{name}店", REGIONS[n * len(REGIONS) // len(self.store_ids)]]

    def staff(self):
        rng, people = self.rng, self.people
        def person():
            return people.surname() + people.given(rng.random() < 0.75)
        yield ["A001", "", "", person(), "admin", "no"]
        for n, region in enumerate(REGIONS):
            yield [f"R{n + 1:03}", "", region, person(), "region_manager", "no"]
        # 40 clerks over 12 stores: the larger ones get one more; the first of each store is its pharmacist.
        clerks = round(self.o.stores * 40 / 12)
        number = 0
        for n, store in enumerate(self.store_ids):
            yield [f"G{n + 1:03}", store, "", person(), "store_manager", "yes" if n % 3 == 0 else "no"]
            for place in range(clerks // self.o.stores + (n < clerks % self.o.stores)):
                number += 1
                yield [f"C{number:03}", store, "", person(), "clerk", "yes" if place == 0 and n % 6 != 5 else "no"]

    def stock(self):
        rng = self.rng
        for store in self.store_ids:
            for drug in self.drugs:
                if rng.random() < 0.85:
                    yield [store, drug.id, str(rng.randrange(0, 60))]


def decimal(milli):
    """A count of thousandths as the shortest decimal."""
    whole, rest = divmod(abs(milli), 1000)
    text = f"{whole}.{rest:03}".rstrip("0").rstrip(".") if rest else str(whole)
    return f"-{text}" if milli < 0 else text


def yuan(fen):
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02}"


def progress(what, done, of):
    """One line that counts up in a terminal, one line at the end anywhere else."""
    if done >= of or sys.stderr.isatty():
        start, end = ("\r", "\n" if done >= of else "") if sys.stderr.isatty() else ("", "\n")
        print(f"{start}  {what}: {done:,} of {of:,}", end=end, file=sys.stderr, flush=True)


def write(path, header, rows):
    """Writes a file; no field of the sample holds a comma, a quote or a line break."""
    count = 0
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(header + "\n")
        block = []
        for row in rows:
            block.append(",".join(row))
            count += 1
            if len(block) == 20_000:
                file.write("\n".join(block) + "\n")
                block.clear()
        if block:
            file.write("\n".join(block) + "\n")
    return count


def purchases(chain):
    """Rows of purchases.csv in the order of the tills' clocks."""
    lines, days, times = chain.lines, chain.day_text, chain.time_text
    total = len(lines)
    packs = {milli: decimal(milli) for milli in {line[5] for line in lines}}
    for n, (day, second, member, store, drug, milli, amount, cost) in enumerate(lines):
        if n % 100_000 == 0:
            progress("purchases", n, total)
        yield (f"L{n + 1:09}", member, store, f"{days[day]} {times[second]}", drug, packs[milli], yuan(amount), yuan(cost))
    progress("purchases", total, total)


def main():
    today = datetime.now(CHINA)
    parser = argparse.ArgumentParser(description="make a sample chain in the import's file formats")
    parser.add_argument("--out", type=Path, required=True, help="directory to write to; made if missing")
    parser.add_argument("--members", type=int, default=60_000)
    parser.add_argument("--stores", type=int, default=12)
    parser.add_argument("--months", type=float, default=18)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--until", type=date.fromisoformat, default=today.date(), help="last day of purchases (today in China)")
    parser.add_argument("--now", type=lambda text: datetime.strptime(text, "%H:%M").time(), default=None,
                        help="time of day on the last day, HH:MM; nothing happens after it (the end of the day)")
    options = parser.parse_args()
    if options.members < 1 or options.stores < 1 or options.months <= 0:
        parser.error("--members, --stores and --months must be above 0")
    options.now = options.now or datetime.strptime("23:59", "%H:%M").time()
    started = time.monotonic()
    print(f"sample chain: seed {options.seed}, {options.members:,} members, {options.stores} stores, "
          f"{options.months:g} months until {options.until} {options.now:%H:%M}", file=sys.stderr)
    options.out.mkdir(parents=True, exist_ok=True)
    chain, out = Chain(options), options.out
    counts = {}
    counts["stores"] = write(out / "stores.csv", "store_id,name,region", chain.stores())
    counts["staff"] = write(out / "staff.csv", "staff_id,store_id,region,name,role,pharmacist", chain.staff())
    counts["drugs"] = write(out / "drugs.csv", "drug_id,name,ingredient,category,manufacturer,spec,units_per_pack,"
                            "daily_units,prescription,chronic", (drug.row() for drug in chain.drugs))
    counts["members"] = write(out / "members.csv", "member_id,store_id,name,phone,sex,birthday,joined_on,diseases,"
                              "allergies,tags,height_cm,weight_kg,consents", chain.members())
    chain.walk_ins()
    chain.emergencies(options.members)
    now = (chain.days - 1, options.now.hour * 3600 + options.now.minute * 60 + 59)
    chain.lines = sorted(line for line in chain.lines if line[:2] <= now)
    chain.readings = sorted((row for row in chain.readings if row[:2] <= now), key=lambda row: row[:4])
    counts["purchases"] = write(out / "purchases.csv", "line_id,member_id,store_id,sold_at,drug_id,quantity,amount,cost",
                                purchases(chain))
    counts["readings"] = write(
        out / "readings.csv", "reading_id,member_id,taken_at,kind,systolic,diastolic,glucose,context",
        ((f"V{n + 1:08}", member, f"{chain.day_text[day]} {chain.time_text[second]}", kind, str(high), str(low), glucose,
          context) for n, (day, second, member, kind, high, low, glucose, context) in enumerate(chain.readings)))
    counts["stock"] = write(out / "stock.csv", "store_id,drug_id,units", chain.stock())
    print("  " + ", ".join(f"{count:,} {name}" for name, count in counts.items())
          + f" in {time.monotonic() - started:.1f} s, in {out}", file=sys.stderr)


if __name__ == "__main__":
    main()
