//! A run: phones open, work and wait for a bounded time; then the figures are printed.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, sleep_until};
use yaoban_clerk_core::sync::http::tls_config;
use yaoban_clerk_core::sync::{Engine, Pairing};

use crate::chance::Chance;
use crate::figures::{Figures, Times, Usage, Wire, add, loopback, quantile, usage};
use crate::line::{Line, Target};
use crate::phone::{Phone, wall_ms};
use crate::plan::{PhonePlan, Plan, StorePlan};
use crate::pos::{self, Delivered, Registers};
use crate::store::PhoneStore;
use crate::work::{DAY, OPS_A_DAY, Work};

/// Phones that call from one loopback address, which has about 28,000 ports.
const PHONES_AN_ADDRESS: usize = 4_000;
/// The lag of the generator is looked at this often.
const LAG_EVERY: Duration = Duration::from_millis(10);

/// How a run goes.
#[derive(Debug, Clone, clap::Args)]
pub struct Scenario {
    /// The plan that `prepare` wrote.
    #[arg(long)]
    plan: PathBuf,
    /// Where the hub listens; only addresses of the loopback are taken.
    #[arg(long)]
    hub_address: SocketAddr,
    /// The hub's process, to measure it.
    #[arg(long)]
    hub_pid: u32,
    /// Phones that have opened before the measurement begins.
    #[arg(long)]
    opened: usize,
    /// These open at so many a second.
    #[arg(long, default_value_t = 300.0)]
    opened_rate: f64,
    /// Seconds between the last opening and the measurement.
    #[arg(long, default_value_t = 10)]
    settle_seconds: u64,
    /// Phones that open during the measurement, so many a second.
    #[arg(long, default_value_t = 0.0)]
    opening_rate: f64,
    /// Seconds of the measurement.
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// Seed of chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The hub's program and data directory: cash registers deliver during the run.
    #[arg(long, requires = "data")]
    hub: Option<PathBuf>,
    /// See `--hub`.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The core that the hub is pinned to; imports run there too.
    #[arg(long)]
    hub_core: Option<usize>,
}

/// Runs the scenario and gives its figures.
pub fn run(scenario: &Scenario) -> Result<Value, String> {
    if !scenario.hub_address.ip().is_loopback() {
        return Err(format!(
            "{} is not an address of this machine's loopback",
            scenario.hub_address
        ));
    }
    let plan = Plan::read(&scenario.plan)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| format!("no runtime: {e}"))?;
    let local = LocalSet::new();
    local.block_on(&runtime, measure(scenario, &plan))
}

async fn measure(scenario: &Scenario, plan: &Plan) -> Result<Value, String> {
    let figures = Rc::new(Figures::default());
    let fleet = Fleet::new(scenario, plan, &figures)?;
    let lags = Rc::new(Lags::default());
    tokio::task::spawn_local(watch_lag(Rc::clone(&lags)));
    let stop = Arc::new(AtomicBool::new(false));
    let delivered = Arc::new(Delivered::default());
    let registers = scenario
        .hub
        .as_ref()
        .zip(scenario.data.as_ref())
        .map(|(hub, data)| Registers {
            hub: hub.clone(),
            data: data.clone(),
            core: scenario.hub_core,
        });
    let registers = registers.map(|r| pos::start(r, plan, Arc::clone(&stop), Arc::clone(&delivered)));

    let mut order = plan_order(plan, scenario.seed).into_iter();
    let opening_s = open(&fleet, order.by_ref().take(scenario.opened), scenario.opened_rate).await;
    sleep(Duration::from_secs(scenario.settle_seconds)).await;

    let pid = scenario.hub_pid.to_string();
    let before = (usage(&pid), usage("self"), loopback(), figures.bytes());
    let lines_before = delivered.lines.load(Ordering::Relaxed);
    let (rows_before, ops_before) = (figures.rows.get(), figures.ops_taken.get());
    figures.measuring.set(true);
    lags.measuring.set(true);
    let began = Instant::now();
    let ends = began + Duration::from_secs(scenario.seconds);
    let newcomers = (scenario.opening_rate * scenario.seconds as f64) as usize;
    open(&fleet, order.take(newcomers), scenario.opening_rate).await;
    sleep_until(ends).await;
    figures.measuring.set(false);
    lags.measuring.set(false);
    let seconds = began.elapsed().as_secs_f64();
    let after = (usage(&pid), usage("self"), loopback(), figures.bytes());
    stop.store(true, Ordering::Relaxed);
    if after.0.peak_mb == 0.0 {
        return Err("the hub ended during the run".to_owned());
    }

    let calls: BTreeMap<&str, _> = figures
        .times
        .borrow_mut()
        .iter_mut()
        .map(|(name, times)| (*name, times.spread()))
        .collect();
    let requests: usize = calls
        .iter()
        .filter(|(name, _)| !matches!(**name, "round" | "open"))
        .map(|(_, spread)| spread.count)
        .sum();
    let opened = fleet.opened.get();
    let mut bytes: Vec<(u64, u64, u64)> = after
        .3
        .iter()
        .zip(before.3.iter().chain(std::iter::repeat(&(0, 0, 0))))
        .map(|(a, b)| (a.0 - b.0, a.1 - b.1, a.2 - b.2))
        .collect();
    let (up, down, connects) = bytes
        .iter()
        .fold((0, 0, 0), |s, b| (s.0 + b.0, s.1 + b.1, s.2 + b.2));
    bytes.sort_by_key(|b| b.0 + b.1);
    let median = quantile(&bytes, 0.5);
    let a_day = DAY.as_secs_f64() / seconds / opened.max(1) as f64;
    let lag = lags.times.take().spread();
    let hub_s = used(before.0, after.0);
    let imports_s = after.1.children_s - before.1.children_s;
    let wire_bytes = after.2.0 - before.2.0;
    let packets = after.2.1 - before.2.1;
    let failures = figures.failures.borrow().clone();
    let result = json!({
        "phones": opened,
        "stores": plan.stores.len(),
        "seconds": round(seconds),
        "opened_before_in_seconds": round(opening_s),
        "opening_a_second": scenario.opening_rate,
        "requests_a_second": round(requests as f64 / seconds),
        "connections": {
            "open_max": figures.open_max.get(),
            "made_a_second": round(connects as f64 / seconds),
            "phones_waiting_at_end": figures.waiting.get(),
            "told_to_come_back": figures.told_to_come_back.get(),
        },
        "calls": calls,
        "rows_pulled": figures.rows.get() - rows_before,
        "ops_taken": figures.ops_taken.get() - ops_before,
        "pos_lines": delivered.lines.load(Ordering::Relaxed) - lines_before,
        "errors": failures.values().sum::<u64>() + delivered.failures.load(Ordering::Relaxed),
        "failures": failures,
        "day": {
            "hours": DAY.as_secs() / 3_600,
            "ops_a_phone": OPS_A_DAY,
            "kb_up_a_phone": round(up as f64 / 1e3 * a_day),
            "kb_down_a_phone": round(down as f64 / 1e3 * a_day),
            "kb_a_phone_with_tcp_ip": round(wire_bytes as f64 / 1e3 * a_day),
        },
        "window": {
            "bytes_up": up,
            "bytes_down": down,
            "tcp_ip_packets": packets,
            "median_phone_bytes": median.0 + median.1,
            "busiest_phone_bytes": bytes.last().map_or(0, |b| b.0 + b.1),
        },
        "hub": {
            "user_s": round(after.0.user_s - before.0.user_s),
            "system_s": round(after.0.system_s - before.0.system_s),
            "share_of_core": round(hub_s / seconds),
            "imports_share_of_core": round(imports_s / seconds),
            "peak_mb": round(after.0.peak_mb),
            "now_mb": round(after.0.now_mb),
        },
        "generator": {
            "share_of_core": round(used(before.1, after.1) / seconds),
            "peak_mb": round(after.1.peak_mb),
            "lag": lag,
        },
    });
    if let Some(registers) = registers {
        // An import under way is let finish, so that nothing is left behind.
        let _ = registers.join();
    }
    Ok(result)
}

fn used(before: Usage, after: Usage) -> f64 {
    after.user_s + after.system_s - before.user_s - before.system_s
}

fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// The generator's own lateness.
#[derive(Default)]
struct Lags {
    measuring: Cell<bool>,
    times: std::cell::RefCell<Times>,
}

async fn watch_lag(lags: Rc<Lags>) {
    loop {
        let due = Instant::now() + LAG_EVERY;
        sleep_until(due).await;
        if lags.measuring.get() {
            lags.times.borrow_mut().add(due.elapsed());
        }
    }
}

/// The phones in the order in which they open: shuffled, so that the phones of a store do not open
/// together.
fn plan_order(plan: &Plan, seed: u64) -> Vec<(&StorePlan, &PhonePlan)> {
    let mut order: Vec<_> = plan
        .stores
        .iter()
        .flat_map(|store| store.phones.iter().map(move |phone| (store, phone)))
        .collect();
    let mut chance = Chance::new(seed, u64::MAX);
    for place in (1..order.len()).rev() {
        order.swap(place, chance.below(place as u64 + 1) as usize);
    }
    order
}

/// Opens phones, evenly spread, and tells how many seconds it took.
async fn open<'a>(
    fleet: &Fleet<'_>,
    phones: impl Iterator<Item = (&'a StorePlan, &'a PhonePlan)>,
    rate: f64,
) -> f64 {
    let began = Instant::now();
    for (i, (store, phone)) in phones.enumerate() {
        sleep_until(began + Duration::from_secs_f64(i as f64 / rate.max(0.001))).await;
        tokio::task::spawn_local(fleet.phone(store, phone).live());
    }
    began.elapsed().as_secs_f64()
}

/// What phones are made of.
struct Fleet<'a> {
    plan: &'a Plan,
    seed: u64,
    address: SocketAddr,
    tls: rustls::ClientConfig,
    figures: Rc<Figures>,
    born: Instant,
    opened: Cell<usize>,
}

impl<'a> Fleet<'a> {
    fn new(scenario: &Scenario, plan: &'a Plan, figures: &Rc<Figures>) -> Result<Self, String> {
        let pin = (0..64)
            .step_by(2)
            .map(|at| {
                plan.fingerprint
                    .get(at..at + 2)
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            })
            .collect::<Option<Vec<u8>>>()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or("the plan's fingerprint is none")?;
        Ok(Self {
            plan,
            seed: scenario.seed,
            address: scenario.hub_address,
            tls: tls_config(pin).map_err(|e| format!("TLS: {e}"))?,
            figures: Rc::clone(figures),
            born: Instant::now(),
            opened: Cell::new(0),
        })
    }

    fn phone(&self, store: &StorePlan, phone: &PhonePlan) -> Phone {
        let number = self.opened.get();
        add(&self.opened, 1);
        let stream = number as u64;
        let wire = Rc::new(Wire::default());
        self.figures.wires.borrow_mut().push(Rc::clone(&wire));
        let group = (number / PHONES_AN_ADDRESS) as u8;
        // Each phone has its own tickets: one that has just been started has none.
        let mut tls = self.tls.clone();
        tls.resumption = rustls::client::Resumption::in_memory_sessions(1);
        let target = Target {
            address: self.address,
            from: Ipv4Addr::new(127, 0, 1, 1 + group),
            tls: Arc::new(tls),
        };
        let line = Line::new(target, Rc::clone(&self.figures), wire);
        let pairing = Pairing {
            url: format!("https://{}", self.address),
            fingerprint: self.plan.fingerprint.clone(),
            device_id: phone.device_id.clone(),
            refresh_secret: phone.refresh_secret.clone(),
            chain_name: self.plan.chain_name.clone(),
            store_id: store.store_id.clone(),
            store_name: store.store_id.clone(),
            staff_id: Some(phone.staff_id.clone()),
        };
        let places = [
            ("catalogue".to_owned(), self.plan.catalogue),
            (format!("store:{}", store.store_id), store.place),
        ];
        Phone {
            rounds: Engine::new("fleet"),
            errands: Engine::new("fleet"),
            store: PhoneStore::new(pairing, &self.plan.epoch, &places, wall_ms()),
            line: Rc::new(line),
            work: Work::new(store, phone, Chance::new(self.seed, 2 * stream)),
            staff_id: phone.staff_id.clone(),
            chance: Chance::new(self.seed, 2 * stream + 1),
            born: self.born,
            figures: Rc::clone(&self.figures),
        }
    }
}
