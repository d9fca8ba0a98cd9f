//! The phone half: the real hub serves one large store on the loopback, and this process is the phone,
//! the real [`ClerkApp`] with its driver over HTTPS. Each figure is a line of JSON on the standard
//! output: `figure`, `measured`, `target`.
//!
//! "Cold" figures are taken right after a write: a reader then begins without a single decrypted page,
//! which is how a screen is drawn after a clerk has recorded something.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use secrecy::SecretBox;
use yaoban_clerk_core::ClerkApp;
use yaoban_clerk_core::clock::Clock;
use yaoban_clerk_core::facade::tasks::TaskFilter;
use yaoban_clerk_core::store::search_index::keys;
use yaoban_clerk_core::sync::{Cancel, Deaf};
use yaoban_clerk_core::vault::{DatabaseKey, KeyVault, VaultError};
use yaoban_domain::calendar::Calendar;
use yaoban_domain::rules::TimeZone;

/// Why a measurement ended.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
type Done<T = ()> = Result<T, Failure>;

/// Queries of each kind.
const QUERIES: usize = 1_000;
/// Queries of each kind with a write before each.
const COLD_QUERIES: usize = 100;
/// Tasks of the list.
const TASKS: usize = 500;
/// Members whose purchases change at the hub: for each a row of purchases and one of the member.
const CHANGED: usize = 500;
/// Pulls of that many changes.
const PULLS: usize = 5;
/// Members of the sample from which queries are drawn.
const SAMPLE_PAGES: usize = 8;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The program `yaoban-hub`.
    #[arg(long)]
    hub: PathBuf,
    /// Data of the hub: one store, imported, its model published.
    #[arg(long)]
    data: PathBuf,
    /// Folder of the phone; emptied first.
    #[arg(long)]
    home: PathBuf,
    /// The day on which the phone lives.
    #[arg(long)]
    as_of: NaiveDate,
}

/// Measures everything and prints it.
pub fn run(args: &Args) -> Done {
    if args.home.exists() {
        std::fs::remove_dir_all(&args.home)?;
    }
    std::fs::create_dir_all(&args.home)?;
    let hub = Hub::serve(args)?;
    let mut bench = Bench {
        app: open(args)?,
        hub,
        args,
        sample: Vec::new(),
    };
    bench.first_load()?;
    bench.sign_in()?;
    bench.draw_sample()?;
    bench.opening()?;
    bench.searches()?;
    bench.profiles()?;
    bench.groups()?;
    bench.task_list()?;
    bench.rounds()?;
    bench.pulls()?;
    bench.new_day()?;
    bench.file()
}

/// A line of the table.
fn row(figure: &str, measured: &str, target: &str) -> Done {
    let line = serde_json::json!({ "figure": figure, "measured": measured, "target": target });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

fn shown(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1_000.0;
    match ms {
        ms if ms >= 10_000.0 => format!("{:.1} s", ms / 1_000.0),
        ms if ms >= 1_000.0 => format!("{:.2} s", ms / 1_000.0),
        ms if ms >= 10.0 => format!("{ms:.0} ms"),
        ms => format!("{ms:.2} ms"),
    }
}

/// Times of one kind of call.
struct Times(Vec<Duration>);

impl Times {
    /// Runs `work` so many times. It prepares for itself what is not to be measured and gives the
    /// time of the rest.
    fn of(runs: usize, mut work: impl FnMut(usize) -> Done<Duration>) -> Done<Self> {
        let mut times = (0..runs).map(&mut work).collect::<Done<Vec<_>>>()?;
        times.sort_unstable();
        Ok(Self(times))
    }

    /// The time that so many per cent of the calls do not exceed.
    fn percentile(&self, percent: usize) -> String {
        let at = (self.0.len() * percent).div_ceil(100).max(1) - 1;
        self.0.get(at).map_or_else(String::new, |time| shown(*time))
    }

    fn row(&self, figure: &str, target: &str) -> Done {
        let highest = if self.0.len() < 100 {
            ("max", 100)
        } else {
            ("p99", 99)
        };
        let measured = format!(
            "p50 {}, {} {}",
            self.percentile(50),
            highest.0,
            self.percentile(highest.1)
        );
        row(&format!("{figure} (n = {})", self.0.len()), &measured, target)
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begin = Instant::now();
    let value = work();
    (begin.elapsed(), value)
}

/// A hub that serves; it ends with this value.
struct Hub {
    child: Child,
    program: PathBuf,
    data: PathBuf,
}

impl Hub {
    fn serve(args: &Args) -> Done<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut child = Command::new(&args.hub)
            .arg("serve")
            .arg("--data")
            .arg(&args.data)
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take().ok_or("the hub has no standard output")?;
        let hub = Self {
            child,
            program: args.hub.clone(),
            data: args.data.clone(),
        };
        let mut lines = BufReader::new(out).lines();
        let ready = lines
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.contains(&port.to_string()));
        if !ready {
            return Err("the hub ended before it served".into());
        }
        // Keep reading, so that the hub never waits for a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(hub)
    }

    /// Runs a command on the same data; what it prints.
    fn run(&self, command: &[&str], arguments: &[&str]) -> Done<String> {
        let output = Command::new(&self.program)
            .args(command)
            .arg("--data")
            .arg(&self.data)
            .args(arguments)
            .output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!(
            "yaoban-hub {} failed: {}",
            command.join(" "),
            String::from_utf8_lossy(&output.stderr)
        )
        .into())
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Vault;

impl KeyVault for Vault {
    fn database_key(&self) -> Result<DatabaseKey, VaultError> {
        Ok(SecretBox::new(Box::new([7; 32])))
    }
}

/// The machine's clock, moved to the day of the data.
struct ThatDay(i64);

impl Clock for ThatDay {
    fn now_ms(&self) -> i64 {
        yaoban_clerk_core::clock::SystemClock.now_ms() + self.0
    }
}

fn open(args: &Args) -> Done<ClerkApp> {
    open_days_later(args, 0)
}

/// The phone at ten o'clock, so many days after the day of the data.
fn open_days_later(args: &Args, days: i64) -> Done<ClerkApp> {
    let calendar = Calendar::new(&TimeZone::default())?;
    let ten = calendar.day_start_ms(args.as_of) + 10 * 3_600_000 + days * 86_400_000;
    let shift_ms = ten - yaoban_clerk_core::clock::SystemClock.now_ms();
    Ok(ClerkApp::open(&args.home, &Vault, Arc::new(ThatDay(shift_ms)))?)
}

/// A kind of search: its name, and what is typed to find a member.
type Kind = (&'static str, fn(&Sampled) -> String);

/// A member that queries are about.
struct Sampled {
    id: String,
    name: String,
    number_end: String,
}

struct Bench<'a> {
    app: ClerkApp,
    hub: Hub,
    args: &'a Args,
    sample: Vec<Sampled>,
}

impl Bench<'_> {
    fn first_load(&mut self) -> Done {
        let staff_id = self.hub.run(&["pair"], &["--store", "S0000"])?;
        let code = staff_id.split_whitespace().next_back().ok_or("no pairing code")?;
        self.app.pair(code, "bench")?;
        let begin = Instant::now();
        let over = AtomicBool::new(false);
        let (seen, complete) = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                let wait_for = |reached: &dyn Fn() -> bool| {
                    while !over.load(Ordering::Relaxed) {
                        if reached() {
                            return Some(begin.elapsed());
                        }
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    None
                };
                let begun = wait_for(&|| self.app.staff().is_ok_and(|staff| !staff.is_empty()))?;
                Some((
                    begun,
                    wait_for(&|| self.app.status().is_ok_and(|status| status.loaded))?,
                ))
            });
            let synced = self.app.sync(&Deaf, &Cancel::default());
            let complete = begin.elapsed();
            over.store(true, Ordering::Relaxed);
            (watch.join(), synced.map(|_| complete))
        });
        let (begun, usable) = seen.ok().flatten().ok_or("the load was not seen to get in")?;
        row(
            "first load, until somebody can sign in and the most urgent members are here",
            &shown(begun),
            "",
        )?;
        row("first load, until all members are here", &shown(usable), "≤ 10 s")?;
        row(
            "first load, until the figures of all members are computed too",
            &shown(complete?),
            "",
        )?;
        memory("peak memory of the phone's process, first load")?;
        // From here on: the peak of use.
        std::fs::write("/proc/self/clear_refs", "5")?;
        let status = self.app.status()?;
        row("members on the phone", &status.members.to_string(), "")
    }

    fn sign_in(&self) -> Done {
        let staff = self.app.staff()?;
        let manager = staff
            .iter()
            .find(|one| one.role == "store_manager")
            .ok_or("the store has no manager")?;
        Ok(self.app.switch_staff(&manager.staff_id, None)?)
    }

    /// Members from all over the store.
    fn draw_sample(&mut self) -> Done {
        let everybody = r#"{"all": []}"#;
        let count = self.app.group_count(everybody)?;
        for page in 0..SAMPLE_PAGES {
            let group = self.app.group(everybody, page * count / SAMPLE_PAGES, 250)?;
            self.sample.extend(group.members.into_iter().map(|member| {
                Sampled {
                    id: member.member_id,
                    name: member.name,
                    number_end: member
                        .phone_masked
                        .map(|masked| masked.chars().skip(7).collect())
                        .unwrap_or_default(),
                }
            }));
        }
        if self.sample.len() < TASKS {
            return Err(format!("only {} members on the phone", self.sample.len()).into());
        }
        Ok(())
    }

    /// The member of a run: neighbours in time are far apart in the file.
    fn member(&self, run: usize) -> &Sampled {
        &self.sample[run * 7_919 % self.sample.len()]
    }

    fn opening(&mut self) -> Done {
        let times = Times::of(20, |_| {
            self.app.pause()?;
            let (time, app) = timed(|| open(self.args));
            self.app = app?;
            Ok(time)
        })?;
        times.row("open", "≤ 100 ms")?;
        self.sign_in()
    }

    fn searches(&self) -> Done {
        let kinds: [Kind; 4] = [
            ("search by the last four digits", |one| one.number_end.clone()),
            ("search by part of a name", |one| {
                one.name.chars().skip(1).collect()
            }),
            ("search by initials", |one| {
                keys(&one.name).initials.first().cloned().unwrap_or_default()
            }),
            ("search by a surname", |one| one.name.chars().take(1).collect()),
        ];
        for (figure, text_of) in kinds {
            let texts: Vec<String> = (0..QUERIES).map(|run| text_of(self.member(run))).collect();
            let find = |run: usize| -> Done<Duration> {
                let (time, found) = timed(|| self.app.find(&texts[run], 20));
                if found?.members.is_empty() {
                    return Err(format!("{figure} finds nothing").into());
                }
                Ok(time)
            };
            Times::of(QUERIES, find)?.row(figure, "p99 ≤ 2 ms")?;
            let cold = Times::of(COLD_QUERIES, |run| {
                self.write(run)?;
                find(run)
            })?;
            cold.row(&format!("{figure}, cold"), "")?;
        }
        Ok(())
    }

    /// A clerk records something.
    fn write(&self, run: usize) -> Done {
        self.app
            .add_note(&self.member(run + 3).id, "量测用的一条备注", None)?;
        Ok(())
    }

    fn profiles(&self) -> Done {
        let profile = |run: usize| -> Done<Duration> {
            let (time, profile) = timed(|| self.app.profile(&self.member(run).id));
            profile?;
            Ok(time)
        };
        Times::of(QUERIES, profile)?.row("profile", "p99 ≤ 2 ms")?;
        let cold = Times::of(COLD_QUERIES, |run| {
            self.write(run)?;
            profile(run)
        })?;
        cold.row("profile, cold", "")
    }

    fn groups(&self) -> Done {
        let rules = [
            (
                "group: class or disease, bought one of two ingredients in a year, nobody called",
                r#"{"all": [{"any": [{"class": ["retain", "win_back", "develop"]}, {"disease": "hypertension"}]},
                    {"bought": {"ingredient": ["成分7", "成分31"], "within_days": 365}},
                    {"no_contact": {"within_days": 30}}]}"#,
            ),
            (
                "group: not of one class, bought of two categories twice in a year, tagged or valuable",
                r#"{"all": [{"not": {"class": "low"}},
                    {"bought": {"category": ["类别3", "类别8"], "within_days": 365, "at_least": {"times": 2}}},
                    {"any": [{"tags": "医保"}, {"value_index": {"min": 30}}]}]}"#,
            ),
            (
                "group: class, a medicine runs out, last bought a month ago, measured too high",
                r#"{"all": [{"class": ["retain", "develop", "valued", "ordinary"]},
                    {"any": [{"medicine": {"status": ["out", "running_low"]}},
                             {"last_bought": {"category": "类别1", "days": [25, 60]}}]},
                    {"any": [{"latest_reading": {"kind": "bp", "systolic": {"min": 140}}}, {"care": "chronic"}]}]}"#,
            ),
        ];
        for (figure, rule) in rules {
            let mut count = 0;
            let times = Times::of(100, |_| {
                let (time, group) = timed(|| self.app.group(rule, 0, 50));
                count = group?.count;
                Ok(time)
            })?;
            times.row(&format!("{figure}: {count} members"), "≤ 150 ms")?;
        }
        Ok(())
    }

    /// A campaign of headquarters brings the tasks.
    fn task_list(&self) -> Done {
        let (ids, script) = (
            self.args.home.join("members.txt"),
            self.args.home.join("script.txt"),
        );
        let chosen: Vec<&str> = self
            .sample
            .iter()
            .take(TASKS)
            .map(|one| one.id.as_str())
            .collect();
        std::fs::write(&ids, chosen.join("\n"))?;
        std::fs::write(&script, "您好，请问是{name}吗？")?;
        let start = self.args.as_of.to_string();
        let (ids, script) = (path_text(&ids)?, path_text(&script)?);
        let plan = [
            "--name",
            "量测",
            "--members",
            ids,
            "--kind",
            "call",
            "--purpose",
            "service",
            "--script",
            script,
            "--start",
            start.as_str(),
            "--holdout",
            "0",
        ];
        self.hub.run(&["campaign", "create"], &plan)?;
        self.app.sync(&Deaf, &Cancel::default())?;
        let filter = TaskFilter {
            whole_store: true,
            ..TaskFilter::default()
        };
        let list = |_: usize| -> Done<Duration> {
            let (time, list) = timed(|| self.app.tasks(&filter));
            let count = list?.count;
            if count == TASKS {
                return Ok(time);
            }
            Err(format!("{count} tasks on the list, expected {TASKS}").into())
        };
        Times::of(QUERIES, list)?.row("task list of 500", "p99 ≤ 5 ms")?;
        let cold = Times::of(COLD_QUERIES, |run| {
            self.write(run)?;
            list(run)
        })?;
        cold.row("task list of 500, cold", "")
    }

    fn rounds(&self) -> Done {
        // What was written above goes up first.
        while self.app.sync(&Deaf, &Cancel::default())?.pushed_ops > 0 {}
        let times = Times::of(200, |_| {
            let (time, report) = timed(|| self.app.sync(&Deaf, &Cancel::default()));
            let report = report?;
            if report.up_to_date && report.pulled_rows == 0 {
                return Ok(time);
            }
            Err(format!("a round that should find nothing new: {report:?}").into())
        })?;
        times.row("sync round without changes", "≤ 50 ms")
    }

    /// Purchases of 500 members are imported at the hub: their purchases and their records change.
    fn pulls(&self) -> Done {
        let profile = self.app.profile(&self.sample[0].id)?;
        let drug = profile
            .latest_purchase
            .and_then(|day| day.lines.into_iter().find_map(|line| line.drug_id))
            .unwrap_or_else(|| "D0000".to_owned());
        let mut rows = 0;
        let times = Times::of(PULLS, |run| {
            let path = self.args.home.join("purchases.csv");
            let mut file = std::io::BufWriter::new(std::fs::File::create(&path)?);
            writeln!(
                file,
                "line_id,member_id,store_id,sold_at,drug_id,quantity,amount,cost"
            )?;
            for at in 0..CHANGED {
                let member = &self.member(run * CHANGED + at).id;
                let day = self.args.as_of;
                writeln!(
                    file,
                    "B{run}-{at},{member},S0000,{day} 09:00:{:02},{drug},1,12.50,8.00",
                    at % 60
                )?;
            }
            drop(file.into_inner()?);
            self.hub.run(&["import"], &["--purchases", path_text(&path)?])?;
            let (time, report) = timed(|| self.app.sync(&Deaf, &Cancel::default()));
            rows = report?.pulled_rows;
            Ok(time)
        })?;
        times.row(
            &format!("sync round with {rows} changes, their figures computed too"),
            "≤ 300 ms",
        )
    }

    /// After midnight the figures of all members are computed anew, in short transactions, while a
    /// clerk goes on: how long it takes, and how long a clerk's write waits meanwhile.
    fn new_day(&mut self) -> Done {
        self.app.pause()?;
        self.app = open_days_later(self.args, 1)?;
        self.sign_in()?;
        let over = AtomicBool::new(false);
        let (waits, refreshed) = std::thread::scope(|scope| {
            let clerk = scope.spawn(|| -> Done<Vec<Duration>> {
                let mut waits = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let (time, written) = timed(|| self.write(waits.len()));
                    written?;
                    waits.push(time);
                    std::thread::sleep(Duration::from_millis(20));
                }
                waits.sort_unstable();
                Ok(waits)
            });
            let (time, done) = timed(|| self.app.refresh(&Cancel::default()));
            over.store(true, Ordering::Relaxed);
            (clerk.join(), done.map(|()| time))
        });
        row("a new day: figures of all members", &shown(refreshed?), "")?;
        let waits = waits.map_err(|_| "the clerk's thread ended early")??;
        Times(waits).row("a clerk's write meanwhile", "")
    }

    fn file(self) -> Done {
        memory("peak memory of the phone's process, in use")?;
        self.app.pause()?;
        let bytes = std::fs::metadata(self.args.home.join("clerk.db"))?.len();
        row("file", &format!("{:.1} MB", bytes as f64 / 1e6), "≤ 100 MB")
    }
}

fn path_text(path: &Path) -> Done<&str> {
    path.to_str().ok_or_else(|| "the path is not UTF-8".into())
}

/// The highest resident set of this process since it began (or since it was last set back).
fn memory(figure: &str) -> Done {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib: u64 = line
        .and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .ok_or("no VmHWM in /proc/self/status")?;
    row(
        figure,
        &format!("{:.0} MB", kib as f64 * 1_024.0 / 1e6),
        "≤ 120 MB",
    )
}
