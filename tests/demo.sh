#!/usr/bin/env bash
# make demo: a clerk's day, from import to effect, on the sample chain. ONCE=1 ends the hub afterwards.
# Everything it makes is below .demo, which git ignores; a second run begins anew but keeps the sample's files.
set -euo pipefail
cd "$(dirname "$0")/.."

home=$PWD/.demo
files=$home/files
hub_dir=$home/hub
phone=$home/phone
free_port() {
    python3 -c 'import socket
s = socket.socket()
try: s.bind(("127.0.0.1", 8443))
except OSError: s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}
port=${PORT:-$(free_port)}
listen=127.0.0.1:$port
hub_pid=

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
note() { printf '   %s\n' "$*"; }
hub() { target/debug/yaoban-hub "$@"; }
clerk() {
    printf '\n\033[36m$ yaoban-clerk %s\033[0m\n' "$*"
    target/debug/yaoban-clerk --home "$phone" --lang "${LANGUAGE_SHOWN:-zh}" "$@"
}
# A value out of a command's JSON: `json EXPRESSION command…`, where the expression reads `d`.
json() {
    local expression=$1
    shift
    target/debug/yaoban-clerk --home "$phone" "$@" --json |
        python3 -c "import json, sys; d = json.load(sys.stdin); print($expression)"
}

start_hub() {
    target/debug/yaoban-hub serve --data "$hub_dir" --listen "$listen" >"$home/hub.out" 2>>"$home/hub.log" &
    hub_pid=$!
    for _ in $(seq 100); do
        grep -q "$port" "$home/hub.out" && return 0
        kill -0 "$hub_pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "demo: the hub did not start, its log is $home/hub.log" >&2
    tail -5 "$home/hub.log" >&2
    exit 1
}
stop_hub() {
    [ -n "$hub_pid" ] || return 0
    kill "$hub_pid" 2>/dev/null || true
    wait "$hub_pid" 2>/dev/null || true
    hub_pid=
}
trap stop_hub EXIT

today=$(TZ=Asia/Shanghai date +%F)
now=$(TZ=Asia/Shanghai date +%H:%M)
hour=$((10#${now%:*}))
# Calls are allowed from 9 to 20 o'clock. At other hours the phone's clock is set to the morning, and we say so.
shifted=
if [ "$hour" -lt 9 ] || [ "$hour" -ge 19 ]; then
    shifted=yes
    # By Python: the `date` of a Mac reads no date.
    YAOBAN_CLOCK_SHIFT_S=$(python3 -c 'import datetime, sys, time
print(int(datetime.datetime.fromisoformat(sys.argv[1]).timestamp() - time.time()))' "${today}T10:30:00+08:00")
    export YAOBAN_CLOCK_SHIFT_S
    now=10:30
fi

say "Build"
cargo build --locked -p yaoban-hub -p yaoban-terminal --bins

say "A sample chain: 12 stores, 40 clerks, 60,000 members, 18 months of purchases until today"
mkdir -p "$home"
if [ "$(cat "$files/made" 2>/dev/null)" != "$today" ]; then
    python3 tests/data/sample.py --out "$files" --until "$today" --now "$now"
    echo "$today" >"$files/made"
else
    note "made earlier today, in $files"
fi

say "Headquarters imports it; rows that cannot be read would go to a reject file, with their reason"
rm -rf "$hub_dir" "$phone" "$home/hub.log"
hub init --data "$hub_dir" --name "示范大药房" --url "https://$listen"
hub import --data "$hub_dir" --stores "$files/stores.csv" --staff "$files/staff.csv" --drugs "$files/drugs.csv" \
    --members "$files/members.csv" --purchases "$files/purchases.csv" --readings "$files/readings.csv" \
    --stock "$files/stock.csv"

say "Every member gets a class: recency, frequency, spend, health"
hub model publish --data "$hub_dir" --as-of "$today"
hub classes --data "$hub_dir" --as-of "$today"

say "Two campaigns: members whose medicine runs out, and good customers who stayed away; 10 % are held out to measure"
hub template import --data "$hub_dir" tests/data/demo/templates.json
hub campaign create --data "$hub_dir" --name "续药关怀" --rule tests/data/demo/refill-rule.json --kind call \
    --purpose service --script tests/data/demo/refill-script.json --start "$today"
hub campaign create --data "$hub_dir" --name "老会员回访" --rule tests/data/demo/winback-rule.json --kind call \
    --purpose marketing --script tests/data/demo/winback-script.json --start "$today" --cost 500

say "The hub serves; a phone of store S001 is paired with a one-time code and takes its store's members along"
start_hub
clerk pair "$(hub pair --data "$hub_dir" --store S001 | tail -1 | awk '{print $NF}')"
clerk sync
clerk staff
clerk staff C001

say "Whom to call next, why, and who it is"
[ -z "$shifted" ] || note "(it is night in the stores; the phone's clock is set to 10:30, so that calls are allowed)"
clerk tasks --limit 8
clerk show "$(json 'd["households"][0]["tasks"][0]["member_id"]' tasks --limit 8)"

say "The network goes away: the hub is stopped. The phone says so and everything goes on"
stop_hub
clerk sync || note "(refused with a reason, exit code $?)"

say "Offline: calls of the campaign, what came of them, a new member at the counter, a reading"
# Numbers on the list of the first tasks that belong to the campaign.
tasks='[t for h in d["households"] for t in h["tasks"]]'
calls=$(json "*[n for n, t in enumerate($tasks, 1) if t['campaign'] == '续药关怀'][:8]" tasks --limit 1000)
[ -n "$calls" ] || { echo "demo: no task of the campaign is on the list" >&2; exit 1; }
called=0
for task in $calls; do
    [ "$called" -lt 3 ] || break
    # Not everybody may be called: the gate says why, and the next one comes.
    clerk dial "$task" || continue
    called=$((called + 1))
    case $called in
    1)
        clerk dial "$task" --result answered --seconds 95
        clerk outcome "$task" agreed_to_visit --date +3
        ;;
    2)
        clerk dial "$task" --result answered --seconds 40
        clerk outcome "$task" still_has_stock --date +12
        ;;
    3) clerk dial "$task" --result no_answer ;;
    esac
done
[ "$called" -eq 3 ] || { echo "demo: only $called members of the campaign could be called" >&2; exit 1; }
clerk register --name "仇小玲" --phone 15499990000 --sex female --birthday 1960-02-29 --allergy 青霉素 \
    --consent membership=yes --consent health=yes
clerk find qxl
clerk reading 9990000 152/96
clerk show 9990000
clerk status
note "an outcome can be taken back for ten seconds; only then does it go out"
sleep 10

say "The network is back: everything goes up, nothing is sent twice"
start_hub
clerk sync
clerk status

say "The store manager sees who did what today, and headquarters the campaign's effect"
clerk staff G001
clerk today
hub campaign list --data "$hub_dir"
hub campaign effect --data "$hub_dir" "续药关怀"

if [ -n "${ONCE:-}" ]; then
    stop_hub
    say "Done"
    exit 0
fi
say "Done. The hub goes on at https://$listen (data in $hub_dir); Ctrl-C ends it"
note "another phone: target/debug/yaoban-hub pair --data $hub_dir --store S002"
wait "$hub_pid"
