//! Hub, phones and headquarters' commands, and how one of them dies.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use super::Summary;
use super::chain;
use super::ledger::{Deed, Ledger};
use super::plan::{Chance, Victim, Writes};
use super::victim::{End, Progress, kill_after};
use crate::clock::{Morning, clock_in_the_morning};
use crate::hub::{Hub, Serving};
use crate::phone::Phone;
use crate::process::Finished;

/// Members of the smallest chain, and how many more each round needs: a member is called once only.
const MEMBERS: u64 = 200;
const MEMBERS_A_ROUND: u64 = 3;
/// Members of a campaign.
const CAMPAIGN_MEMBERS: u64 = 20;
/// Rounds of sync after which nothing may wait any more.
const SYNCS_MAX: u32 = 8;
/// An outcome can be taken back for ten seconds and leaves the phone after them.
const TAKE_BACK_OVER_S: i64 = 30;
/// Whole checks of the files are made once in so many rounds, and in the end.
const CHECK_EVERY: u64 = 25;
/// Attempts of a command of headquarters that are killed before it is let through.
const KILLS_IN_A_ROW_MAX: u64 = 3;
/// Every start makes at least so many writes; past them the hub serves and would never end by itself.
const START_WRITES: u64 = 10;

pub struct World {
    folder: TempDir,
    members: u64,
    hub: Hub,
    serving: Option<Serving>,
    morning: Morning,
    phones: Vec<Phone>,
    ledger: Ledger,
    writes: Writes,
    summary: Summary,
    /// Files of purchases that were imported to their end.
    batches: Vec<PathBuf>,
    campaigns: u64,
    deeds: u64,
    called: u64,
    /// The task that was made last, and whether it was called for.
    task: Option<(String, bool)>,
}

impl World {
    /// A hub that serves, and a phone with its first load.
    pub fn new(rounds: u64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let members = MEMBERS + rounds * MEMBERS_A_ROUND;
        let hub = chain::hub(folder.path(), members);
        let mut world = Self {
            folder,
            members,
            serving: Some(hub.serve()),
            hub,
            morning: clock_in_the_morning(),
            phones: Vec::new(),
            ledger: Ledger::default(),
            writes: Writes::default(),
            summary: Summary::default(),
            batches: Vec::new(),
            campaigns: 0,
            deeds: 0,
            called: 0,
            task: None,
        };
        let phone = world.new_phone();
        let _ = phone.run(["sync"]).done();
        let _ = phone.run(["staff", chain::CLERK]).done();
        world.phones.push(phone);
        world
    }

    fn new_phone(&self) -> Phone {
        let mut phone = Phone::paired(&self.hub.pair_store(chain::STORE));
        phone.shift_clock(self.morning.shift_s);
        phone
    }

    /// One round: something is done, somebody dies, whoever died is started again.
    pub fn round(&mut self, round: u64, victim: Victim, chance: &mut Chance) {
        // With the hub away the clerk goes on; a victim that needs the hub brings it back.
        let needs_hub = !matches!(victim, Victim::Clerk | Victim::Import | Victim::Campaign);
        if needs_hub || chance.once_in(2) {
            self.hub_serves();
        } else if chance.once_in(3) {
            self.hub_dies();
        }
        for _ in 0..chance.below(3) {
            self.act(false, chance);
        }
        match victim {
            Victim::Clerk => self.act(true, chance),
            Victim::Sync => self.sync_dies(chance),
            Victim::Load => self.load_dies(chance),
            Victim::Hub => self.hub_dies_in_sync(false, chance),
            Victim::Both => self.hub_dies_in_sync(true, chance),
            Victim::Start => self.start_dies(chance),
            Victim::Import => self.import_dies(chance),
            Victim::Campaign => self.campaign_dies(chance),
        }
        if chance.once_in(3) && self.serving.is_some() {
            let finished = self.phones[0].run(["sync"]);
            self.must_be_done(&finished);
        }
        if round.is_multiple_of(CHECK_EVERY) {
            self.check_files();
        }
    }

    fn hub_serves(&mut self) {
        if self.serving.is_none() {
            self.serving = Some(self.hub.serve());
        }
    }

    /// The hub dies where it stands.
    fn hub_dies(&mut self) {
        if let Some(mut serving) = self.serving.take() {
            self.killed(Victim::Hub);
            let log = serving.end();
            self.no_panic("serve", &log);
        }
    }

    fn killed(&mut self, victim: Victim) {
        *self.summary.kills.entry(victim).or_default() += 1;
    }

    fn no_panic(&mut self, what: &str, told: &str) {
        if told.contains("panicked") {
            let tail: String = told.lines().rev().take(5).collect::<Vec<_>>().join(" | ");
            self.summary.corrupt.push(format!("{what} panicked: {tail}"));
        }
    }

    /// A command that nobody killed has to be done.
    fn must_be_done(&mut self, finished: &Finished) {
        self.no_panic(&finished.command, &finished.stderr);
        if finished.code != Some(0) {
            self.summary.corrupt.push(format!(
                "{} ended with {:?}: {} {}",
                finished.command,
                finished.code,
                finished.stdout.trim(),
                finished.stderr.trim()
            ));
        }
    }

    /// Starts a command, kills it after a share of its writes, and gives how it ended and what it printed.
    fn dies(
        &mut self,
        what: &'static str,
        victim: Victim,
        command: &mut Command,
        chance: &mut Chance,
    ) -> Finished {
        let after = self.writes.share(what, chance);
        let line = format!("{command:?}");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {line}: {error}"));
        let mut progress = Progress::of(&child);
        let end = kill_after(&mut child, &mut progress, after);
        let mut finished = Finished::left_by(line, child);
        match end {
            End::Killed => self.killed(victim),
            End::Itself(status) => {
                finished.code = status.code();
                self.writes.saw(what, progress.writes());
            }
            End::Hung => self.summary.corrupt.push(format!("{} hung", finished.command)),
        }
        self.no_panic(&finished.command, &finished.stderr);
        finished
    }

    /// The clerk does the next thing, and the phone may die of it.
    fn act(&mut self, dies: bool, chance: &mut Chance) {
        self.deeds += 1;
        let number = self.deeds;
        let member = chain::member(chance.below(self.members));
        let (what, words, deed) = match (chance.below(6), self.task.take()) {
            // What was begun goes on first: a task, its call, the outcome.
            (0..4, Some((task_id, false))) => {
                let words = vec![
                    "dial".into(),
                    task_id.clone(),
                    "--result".into(),
                    "answered".into(),
                ];
                ("dial", words, Deed::Dial { task_id })
            }
            (0..4, Some((task_id, true))) => {
                let words = vec!["outcome".into(), task_id.clone(), "already_bought".into()];
                ("outcome", words, Deed::Outcome { task_id })
            }
            (0, kept) => {
                self.task = kept;
                let name = format!("新会员{number}");
                let phone = format!("139{number:08}");
                let words = [
                    "register",
                    "--name",
                    &name,
                    "--phone",
                    &phone,
                    "--consent",
                    "membership=yes",
                ];
                (
                    "register",
                    words.map(str::to_owned).to_vec(),
                    Deed::Register { name },
                )
            }
            (1, kept) => {
                self.task = kept;
                let (systolic, diastolic) = (100 + number % 40, 60 + number / 40 % 30);
                let words = vec![
                    "reading".into(),
                    member.clone(),
                    format!("{systolic}/{diastolic}"),
                ];
                let deed = Deed::Reading {
                    member_id: member,
                    systolic,
                    diastolic,
                };
                ("reading", words, deed)
            }
            (2, kept) => {
                self.task = kept;
                let text = format!("第{number}条，早上来。");
                (
                    "note",
                    vec!["note".into(), member, text.clone()],
                    Deed::Note { text },
                )
            }
            (_, _) => {
                let note = format!("第{number}件，问候。");
                let member = chain::member(self.called % self.members);
                self.called += 1;
                let words = vec![
                    "tasks".into(),
                    "--new".into(),
                    member,
                    "--note".into(),
                    note.clone(),
                ];
                ("task", words, Deed::Task { note })
            }
        };
        let mut command = self.phones[0].command(words.iter().chain([&"--json".to_owned()]));
        let finished = if dies {
            self.dies(what, Victim::Clerk, &mut command, chance)
        } else {
            Finished::of(&mut command)
        };
        if finished.code.is_some() {
            self.must_be_done(&finished);
        }
        let promised = finished.code == Some(0);
        if promised {
            self.task = match &deed {
                Deed::Task { .. } => finished.json()["task_id"]
                    .as_str()
                    .map(|id| (id.to_owned(), false)),
                Deed::Dial { task_id } => Some((task_id.clone(), true)),
                _ => self.task.take(),
            };
        }
        self.ledger.write(deed, promised);
    }

    fn sync_dies(&mut self, chance: &mut Chance) {
        let mut command = self.phones[0].command(["sync"]);
        let finished = self.dies("sync", Victim::Sync, &mut command, chance);
        if finished.code.is_some() {
            self.must_be_done(&finished);
        }
    }

    /// A phone more; its first load dies until it gets through.
    fn load_dies(&mut self, chance: &mut Chance) {
        let phone = self.new_phone();
        for _ in 0..=chance.below(KILLS_IN_A_ROW_MAX) {
            let mut command = phone.command(["sync"]);
            let finished = self.dies("load", Victim::Load, &mut command, chance);
            if finished.code.is_some() {
                self.must_be_done(&finished);
            }
        }
        let finished = phone.run(["sync"]);
        self.must_be_done(&finished);
        // The first phone is the clerk's; of the others one is kept, so that a long run does not fill the disk.
        if self.phones.len() > 1 {
            let old = self.phones.remove(1);
            self.check_phone(&old, true);
        }
        self.phones.push(phone);
    }

    /// The hub dies while a phone sends it something, alone or with the phone.
    fn hub_dies_in_sync(&mut self, both: bool, chance: &mut Chance) {
        self.act(false, chance);
        self.act(false, chance);
        let after = self.writes.share("serve", chance);
        let Some(mut serving) = self.serving.take() else {
            return;
        };
        let mut hub_progress = Progress::of(serving.child());
        let base = hub_progress.writes();
        let mut phone = self.phones[0]
            .command(["sync"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the phone starts");
        // What is watched is the hub; the round's end is seen to by the phone's process.
        let hub_is_first = loop {
            if hub_progress.writes() >= base + after {
                break true;
            }
            if phone.try_wait().expect("a child").is_some() {
                break false;
            }
            std::thread::yield_now();
        };
        if !hub_is_first {
            self.writes
                .saw("serve", hub_progress.writes().saturating_sub(base));
        }
        if both && hub_is_first {
            // It may have ended in this moment.
            let _ = phone.kill();
            self.killed(Victim::Both);
        }
        self.killed(if both { Victim::Both } else { Victim::Hub });
        let log = serving.end();
        self.no_panic("serve", &log);
        let status = phone.wait().expect("a child");
        let finished = Finished::left_by("sync".into(), phone);
        self.no_panic("sync", &finished.stderr);
        // Refused with a reason, done, or killed; nothing else.
        if !matches!(status.code(), None | Some(0 | 1)) {
            self.summary.corrupt.push(format!("sync ended with {status}"));
        }
        if chance.once_in(2) {
            self.hub_serves();
        }
    }

    /// The hub dies while it starts, then it starts.
    fn start_dies(&mut self, chance: &mut Chance) {
        self.hub_dies();
        for _ in 0..=chance.below(KILLS_IN_A_ROW_MAX) {
            let mut command = self.hub.serve_command();
            let mut child = command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the hub starts");
            let mut progress = Progress::of(&child);
            let after = chance.below(START_WRITES + 1);
            let end = kill_after(&mut child, &mut progress, after);
            let finished = Finished::left_by("serve".into(), child);
            self.no_panic("serve", &finished.stderr);
            match end {
                End::Killed => self.killed(Victim::Start),
                End::Itself(_) => self
                    .summary
                    .corrupt
                    .push(format!("the hub did not start: {}", finished.stderr.trim())),
                End::Hung => self.summary.corrupt.push("the hub hung while it started".into()),
            }
        }
        self.hub_serves();
    }

    /// An import dies, some times over; then it is done, and done again it counts nothing.
    fn import_dies(&mut self, chance: &mut Chance) {
        let batch = self.batches.len() as u64;
        let file = chain::purchases(self.folder.path(), batch, self.members);
        let words = [
            "--json".into(),
            "--purchases".into(),
            file.clone().into_os_string(),
        ];
        for _ in 0..=chance.below(KILLS_IN_A_ROW_MAX) {
            let mut command = self.hub.command("import", &words);
            let finished = self.dies("import", Victim::Import, &mut command, chance);
            if finished.code.is_some() {
                self.must_be_done(&finished);
            }
        }
        for repeated in [false, true] {
            let finished = self.hub.run("import", &words);
            self.must_be_done(&finished);
            if finished.code != Some(0) {
                continue;
            }
            let report = finished.json()["files"][0].clone();
            let count = |key: &str| report[key].as_u64().unwrap_or_default();
            if count("accepted") + count("unchanged") != chain::LINES {
                self.summary.lost.push(format!("lines of an import: {report}"));
            }
            if repeated && count("accepted") > 0 {
                self.summary.doubled.push(format!("lines of an import: {report}"));
            }
        }
        self.batches.push(file);
    }

    /// The making of a campaign dies; made again, it is there once, with its tasks.
    fn campaign_dies(&mut self, chance: &mut Chance) {
        self.campaigns += 1;
        let name = format!("回访{}", self.campaigns);
        let members: Vec<String> = (0..CAMPAIGN_MEMBERS)
            .map(|number| chain::member((self.campaigns * CAMPAIGN_MEMBERS + number) % self.members))
            .collect();
        let words = chain::campaign(self.folder.path(), &name, &members);
        let mut command = self.hub.command("campaign create", &words);
        let _ = self.dies("campaign", Victim::Campaign, &mut command, chance);
        let listed = self.hub.run("campaign list", ["--json"]);
        self.must_be_done(&listed);
        let made = listed.code == Some(0)
            && listed
                .json_lines()
                .iter()
                .flat_map(|told| told.as_array().cloned().unwrap_or_else(|| vec![told.clone()]))
                .any(|campaign| campaign["name"] == name && campaign["ready"] == true);
        if !made {
            // One that broke off goes on by the same command.
            let finished = self.hub.run("campaign create", &words);
            self.must_be_done(&finished);
        }
    }

    /// Both ends' files, without waiting for the end of the run.
    fn check_files(&mut self) {
        let integrity = self.hub_database().and_then(|database| integrity(&database));
        self.is_ok("the hub's database", &integrity);
        let trail = self.hub.run("audit verify", [""; 0]);
        self.must_be_done(&trail);
        let checkup = self.phones[0].run(["doctor", "--offline", "--json"]);
        self.must_be_done(&checkup);
        if checkup.code == Some(0) && checkup.json()["file"]["whole"] != true {
            self.summary
                .corrupt
                .push(format!("the phone's file: {}", checkup.stdout));
        }
    }

    fn is_ok(&mut self, what: &str, answer: &rusqlite::Result<String>) {
        match answer.as_deref() {
            Ok("ok") => {}
            other => self.summary.corrupt.push(format!("{what}: {other:?}")),
        }
    }

    fn hub_database(&self) -> rusqlite::Result<Connection> {
        Connection::open(self.hub.dir().join("hub.db"))
    }

    /// A phone that has everything says that it is well.
    fn check_phone(&mut self, phone: &Phone, online: bool) {
        // Figures of today are made with the first list of the day.
        let _ = phone.run(["tasks", "--json"]);
        let more: &[&str] = if online { &[] } else { &["--offline"] };
        let checkup = phone.run([&["doctor", "--json"], more].concat());
        self.must_be_done(&checkup);
        if checkup.code != Some(0) {
            return;
        }
        let checkup = checkup.json();
        let findings = checkup["findings"].as_array().cloned().unwrap_or_default();
        let wrong: Vec<&Value> = findings
            .iter()
            // Its clock was set to the morning on purpose.
            .filter(|code| *code != "clock_off")
            .collect();
        if !wrong.is_empty() || checkup["file"]["whole"] != true {
            self.summary
                .corrupt
                .push(format!("a phone is not well: {wrong:?} {checkup}"));
        }
    }

    /// Everything goes up, and all of it is looked at.
    pub fn end(mut self, rounds: u64) -> Summary {
        self.hub_serves();
        for phone in &mut self.phones {
            phone.shift_clock(self.morning.shift_s + TAKE_BACK_OVER_S);
        }
        for phone in std::mem::take(&mut self.phones) {
            self.phone_converges(&phone);
            self.check_phone(&phone, true);
        }
        self.hub_dies();
        self.judge().unwrap_or_else(|error| {
            self.summary.corrupt.push(format!("the hub's database: {error}"));
        });
        let trail = self.hub.run("audit verify", [""; 0]);
        self.must_be_done(&trail);
        self.compare_figures();
        self.summary.rounds = rounds;
        self.summary.deeds = (self.ledger.tried(), self.ledger.promised());
        self.summary
    }

    fn phone_converges(&mut self, phone: &Phone) {
        for _ in 0..SYNCS_MAX {
            let finished = phone.run(["sync", "--json"]);
            self.must_be_done(&finished);
            let status = phone.run(["status", "--json"]);
            self.must_be_done(&status);
            if finished.code != Some(0) || status.code != Some(0) {
                return;
            }
            let (report, status) = (finished.json(), status.json());
            let stuck = status["stuck"].as_array().map_or(0, Vec::len);
            if report["up_to_date"] == true && status["outbox"] == 0 && stuck == 0 {
                return;
            }
        }
        let status = phone.run(["status", "--queue", "--json"]);
        self.summary.corrupt.push(format!(
            "after {SYNCS_MAX} rounds something waits: {}",
            status.stdout
        ));
    }

    fn judge(&mut self) -> rusqlite::Result<()> {
        let database = self.hub_database()?;
        let whole = integrity(&database);
        self.is_ok("the hub's database", &whole);
        let judged = self.ledger.judge(&database)?;
        self.summary.lost.extend(judged.lost);
        self.summary.doubled.extend(judged.doubled);
        self.summary.there_unpromised = judged.there_unpromised;
        let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, u64>(0));
        let parked = count("SELECT count(*) FROM parked_op")?;
        let refused =
            count("SELECT count(*) FROM op_result WHERE json_extract(body, '$.status') = 'rejected'")?;
        if parked + refused > 0 {
            self.summary
                .lost
                .push(format!("{parked} operations parked, {refused} refused"));
        }
        for campaign in 1..=self.campaigns {
            let tasks: u64 = database.query_row(
                "SELECT count(*) FROM task JOIN campaign USING (campaign_id) WHERE campaign.name = ?1",
                [format!("回访{campaign}")],
                |row| row.get(0),
            )?;
            let told = format!("campaign {campaign} has {tasks} tasks instead of {CAMPAIGN_MEMBERS}");
            match tasks.cmp(&CAMPAIGN_MEMBERS) {
                std::cmp::Ordering::Less => self.summary.lost.push(told),
                std::cmp::Ordering::Greater => self.summary.doubled.push(told),
                std::cmp::Ordering::Equal => {}
            }
        }
        Ok(())
    }

    /// A second hub that got the same files undisturbed counts the same.
    fn compare_figures(&mut self) {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let twin = chain::hub(folder.path(), self.members);
        for file in &self.batches {
            let _ = twin
                .run("import", ["--purchases".as_ref(), file.as_os_str()])
                .done();
        }
        let (ours, expected) = (chain::figures(&self.hub), chain::figures(&twin));
        let differ: Vec<_> = ours
            .iter()
            .zip(&expected)
            .filter(|(ours, expected)| ours != expected)
            .collect();
        if ours.len() != expected.len() || !differ.is_empty() {
            self.summary.doubled.push(format!(
                "figures of {} members instead of {} after imports, {} differ: {:?}",
                ours.len(),
                expected.len(),
                differ.len(),
                differ.first()
            ));
        }
    }
}

fn integrity(database: &Connection) -> rusqlite::Result<String> {
    database.query_row("PRAGMA integrity_check", [], |row| row.get(0))
}
