"""30,000 phones against one hub: steady state, and a Monday morning.

Hub and generator are pinned to one core each; the cash registers' imports run on the hub's core. Each
phone is the product's own sync engine with the rhythm of its background loop, over TLS and HTTP/2 on the
loopback, on a connection of its own that it keeps as long as the phone's HTTP client would. How many
phones can wait on a connection follows from the number of files that the system lets a process open; the
others come back for a round every fifteen minutes, as the hub tells them to. The phones that have opened before
the Monday's measurement open at its rate too: a hub that still works off a faster rush would be measured otherwise.
"""

import datetime
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

from common import FLEET, HUB, OUT, Table, generate, run, say

MEMBERS_A_STORE = 150
LINES_A_MEMBER = 8
PHONES_A_STORE = 3
TASKS_A_STORE = 10
# A weekend: receipts of members in a store, and their lines.
WEEKEND_RECEIPTS = 120
LINES_MAX = 4
MONDAY_OPENING_S = 600
DRUGS = 150
# Of a process, enough for all phones at once.
FILES = 65_536


def measure(table: Table, scale: int) -> None:
    stores = 10_000 // scale
    phones = stores * PHONES_A_STORE
    data = chain(stores)
    plan = OUT / "fleet.plan"
    seconds = 120 if scale == 1 else 30

    run(FLEET, "prepare", "--data", data, "--phones-a-store", PHONES_A_STORE, "--out", plan)
    say(f"steady state: {phones:,} phones open within {phones / 300:.0f} s, then {seconds} s are measured")
    steady = serve_and_run(data, plan, "--opened", phones, "--opened-rate", 300, "--settle-seconds", 15,
                           "--seconds", seconds, "--hub", HUB, "--data", data)
    rows(table, "fleet, steady", steady)
    day = steady["day"]
    table.add("fleet: one phone and day", f"{day['kb_up_a_phone']:.0f} kB up, {day['kb_down_a_phone']:.0f} kB down "
              f"(TLS and HTTP/2 included; {day['kb_a_phone_with_tcp_ip']:.0f} kB in all with TCP/IP headers and ACKs)",
              "≤ 300 kB", f"a day of {day['hours']} h, {day['ops_a_phone']:.0f} operations a phone")

    run(FLEET, "prepare", "--data", data, "--phones-a-store", PHONES_A_STORE, "--out", plan)
    say("a weekend of sales")
    weekend = OUT / "fleet" / "weekend.csv"
    sell_weekend(weekend, stores)
    run(HUB, "import", "--data", data, "--purchases", weekend)
    rate = phones / MONDAY_OPENING_S
    before = int(phones * 0.3)
    say(f"Monday: {rate:.0f} phones open a second; {before:,} have opened before, {seconds} s are measured")
    monday = serve_and_run(data, plan, "--opened", before, "--opened-rate", rate, "--settle-seconds", 15,
                           "--opening-rate", rate, "--seconds", seconds, "--hub", HUB, "--data", data)
    rows(table, "fleet, Monday", monday)
    table.add("fleet, Monday: from opening until up to date", spread(monday["calls"]["open"]), "",
              f"{rate:.0f} phones a second, {monday['rows_pulled']:,} rows")


def chain(stores: int) -> Path:
    today = datetime.date.today()
    files = generate("fleet", members=stores * MEMBERS_A_STORE, lines=stores * MEMBERS_A_STORE * LINES_A_MEMBER,
                     stores=stores, until=today.isoformat())
    data = OUT / "fleet-hub"
    shutil.rmtree(data, ignore_errors=True)
    say(f"importing {stores:,} stores")
    run(HUB, "init", "--data", data, "--name", "量测连锁")
    run(HUB, "import", "--data", data, "--stores", files / "stores.csv", "--staff", files / "staff.csv", "--drugs",
        files / "drugs.csv", "--members", files / "members.csv", "--purchases", files / "purchases.csv",
        "--readings", files / "readings.csv")
    run(HUB, "model", "publish", "--data", data, "--as-of", today)
    members, script = files / "campaign.txt", files / "script.txt"
    members.write_text("".join(f"V{m:08}\n" for m in range(stores * TASKS_A_STORE)))
    script.write_text("您好，这里是门店，来电提醒您按时用药。\n")
    run(HUB, "campaign", "create", "--data", data, "--name", "回访", "--members", members, "--kind", "call",
        "--purpose", "service", "--script", script, "--holdout", 0)
    return data


def sell_weekend(path: Path, stores: int) -> None:
    chance = random.Random(5)
    days = [datetime.date.today() - datetime.timedelta(days=ago) for ago in (2, 1)]
    line = 0
    with path.open("w") as out:
        out.write("line_id,member_id,store_id,sold_at,drug_id,quantity,amount,cost\n")
        for store in range(stores):
            for receipt in range(WEEKEND_RECEIPTS):
                member = store + stores * chance.randrange(MEMBERS_A_STORE)
                at = f"{days[receipt % 2]} {8 + receipt % 12:02}:{receipt % 60:02}:00"
                for _ in range(chance.randrange(LINES_MAX) + 1):
                    line += 1
                    drug = chance.randrange(DRUGS)
                    out.write(f"W{line},V{member:08},S{store:04},{at},D{drug:04},1,{20 + drug % 40}.50,9.00\n")


def more_files() -> None:
    """Every phone's connection is a file of the hub and one of the generator. What the system allows is raised where it lets us."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, max(FILES, allowed)))
    except (OSError, ValueError):
        say(f"a process may open {allowed:,} files here: some phones find no place for a long poll, or none to connect")


def serve_and_run(data: Path, plan: Path, *scenario) -> dict:
    more_files()
    cores = sorted(os.sched_getaffinity(0))
    hub_core, own_core = cores[0], cores[1 % len(cores)]
    log = (OUT / "fleet-hub.log").open("w")
    hub = subprocess.Popen(["taskset", "-c", str(hub_core), HUB, "serve", "--data", str(data), "--listen", "127.0.0.1:0"],
                           stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        address = hub.stdout.readline().split("https://")[1].strip()
        wait_until_idle(hub.pid)
        _, _, printed = run("taskset", "-c", own_core, FLEET, "run", "--plan", plan, "--hub-address", address, "--hub-pid",
                            hub.pid, "--hub-core", hub_core, *scenario, stdout=subprocess.PIPE)
    finally:
        hub.send_signal(signal.SIGINT)
        try:
            hub.wait(30)
        except subprocess.TimeoutExpired:
            hub.kill()
    return json.loads(printed)


def wait_until_idle(pid: int) -> None:
    """The daily work of a hub that starts is not what is measured."""
    def ticks() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    for _ in range(60):
        before = ticks()
        time.sleep(2)
        if ticks() - before < 20:
            return
    say("the hub is still busy with its daily work; it is measured all the same")


def spread(times: dict) -> str:
    return f"p50 {times['p50_ms']:.1f} ms, p99 {times['p99_ms']:.1f} ms, max {times['max_ms']:.0f} ms (n = {times['count']:,})"


def rows(table: Table, name: str, run_: dict) -> None:
    calls, hub, own, held = run_["calls"], run_["hub"], run_["generator"], run_["connections"]
    load = (f"{run_['phones']:,} phones of {run_['stores']:,} stores, {run_['requests_a_second']:.0f} requests a second, "
            f"{held['open_max']:,} connections open at most, {held['made_a_second']:.0f} made a second, "
            f"{held['told_to_come_back']:,} waits refused for want of room")
    table.add(f"{name}: pull", spread(calls["pull"]), "p99 ≤ 200 ms", load)
    if "push" in calls:
        table.add(f"{name}: push", spread(calls["push"]), "", f"{run_['ops_taken']:,} operations in {run_['seconds']:.0f} s")
    table.add(f"{name}: hello", spread(calls["hello"]))
    table.add(f"{name}: hub", f"{hub['share_of_core']:.0%} of its core ({hub['user_s']:.1f} s user, {hub['system_s']:.1f} s "
              f"system), peak {hub['peak_mb']:.0f} MB", "≤ 1,000 MB",
              f"imports beside it {hub['imports_share_of_core']:.0%} of the same core, {run_['pos_lines']:,} lines")
    table.add(f"{name}: errors", f"{run_['errors']}" + (f" {run_['failures']}" if run_["errors"] else ""), "0")
    late = own["lag"]["p99_ms"]
    table.add(f"{name}: generator", f"{own['share_of_core']:.0%} of its core, its timers late p50 {own['lag']['p50_ms']:.1f} ms, "
              f"p99 {late:.1f} ms" + (" – IT LAGS: the times above hold its own delay too" if late > 20 else ""))
