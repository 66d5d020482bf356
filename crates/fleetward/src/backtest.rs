//! Backtests: records of the past through the same detection as live, with nobody listening but the account.

mod capture;
mod csv;
mod jsonl;
mod show;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use fleetward_detect::backtest::{Account, Report, Scopes, Span};
use fleetward_detect::engine::{Config, Outputs};
use fleetward_detect::history::Recorded;
use fleetward_detect::{BaselineSettings, Compiled, Engine, History};
use fleetward_fleet::{Body, Device, DeviceId, Observation, Offset, Profile, Timestamp, wire};
use fleetward_journal::Reader;
use fleetward_rules::{RuleSet, Trigger};
use parking_lot::Mutex;

use crate::history::JournalHistory;
use crate::server::observation_of;

pub(crate) use self::capture::read as read_capture;
pub(crate) use self::csv::{COLUMNS as SESSION_COLUMNS, read as read_csv};
pub(crate) use jsonl::read as read_jsonl;
pub(crate) use show::show;

/// Records that are judged at a time.
const BATCH: usize = 4096;
/// Time is told at this distance where the records carry none.
const TICK: Duration = Duration::from_mins(1);

/// Devices that a rule without a budget may touch in an hour, as the responder has it.
pub(crate) const RULE_PER_HOUR: u32 = 20;

/// What is asked.
pub(crate) struct Question {
    /// The rules, as if enforced.
    pub(crate) rules: Arc<RuleSet>,
    /// Other versions, by the same names, as if enforced.
    pub(crate) against: Option<Arc<RuleSet>>,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) span: Span,
    /// How baselines are judged, where a rule asks them.
    pub(crate) baseline: Option<BaselineSettings>,
    /// Models whose baseline is off.
    pub(crate) off_for: Vec<String>,
}

/// One record of the past.
pub(crate) type Placed = (Offset, Arc<Observation>);

/// Judges the records; `history` is their past.
pub(crate) fn run(
    question: &Question,
    history: &Arc<dyn History>,
    records: impl Iterator<Item = anyhow::Result<Placed>>,
) -> anyhow::Result<Report> {
    let mut records = records.peekable();
    let mut span = question.span;
    if let Some(Ok((_, first))) = records.peek() {
        span.from = span.from.max(first.observed_at); // days before the first record are no days without alarms
    }
    let mut new = Judge::start(&question.rules, question, span, history)?;
    let mut old = question.against.as_ref().map(|rules| Judge::start(rules, question, span, history)).transpose()?;
    let mut scopes = Scopes::new(&question.rules);
    let (mut judged, mut count) = (0_u64, 0);
    loop {
        let batch: Vec<Placed> = records.by_ref().take(BATCH).collect::<anyhow::Result<_>>()?;
        if batch.is_empty() {
            break;
        }
        judged += batch.len() as u64;
        count += batch.iter().filter(|(_, record)| !matches!(record.body, Body::Tick)).count() as u64;
        for (_, record) in &batch {
            scopes.see(record, &question.profiles);
        }
        if let Some(old) = &mut old {
            old.judge(batch.clone())?;
        }
        new.judge(batch)?;
    }
    let against = old.as_ref().zip(question.against.as_deref()).map(|(old, rules)| (&old.account, rules));
    let spent = new.spent;
    let mut report = new.account.report(&question.rules, count, against);
    for rule in &mut report.rules {
        rule.is_about_nobody = scopes.is_about_nobody(&rule.rule);
    }
    #[expect(clippy::cast_precision_loss, reason = "an average")]
    if judged > 0 {
        report.nanos_per_record = Some(spent.as_nanos() as f64 / judged as f64);
    }
    Ok(report)
}

/// Detection with one set of rules.
struct Judge {
    engine: Engine,
    said: Arc<Mutex<Vec<Outputs>>>,
    account: Account,
    /// CPU time of judging.
    spent: Duration,
}

impl Judge {
    fn start(
        rules: &Arc<RuleSet>,
        question: &Question,
        span: Span,
        history: &Arc<dyn History>,
    ) -> anyhow::Result<Self> {
        let said: Arc<Mutex<Vec<Outputs>>> = Arc::default();
        let heard = Arc::clone(&said);
        let sink = Arc::new(move |outputs: Outputs| heard.lock().push(outputs));
        // Learning costs much and is of no use to a rule that does not ask.
        let asks = rules.rules().iter().any(|rule| rule.triggers().contains(Trigger::Unusual));
        let baseline = question.baseline.clone().filter(|_| asks);
        let compiled = Compiled::new(Arc::clone(rules), question.profiles.iter().cloned())
            .with_baseline(baseline, question.off_for.iter().map(String::as_str));
        let compiled = Arc::new(compiled);
        // One worker: the order of what is said, and so which examples are shown, must not depend on the machine.
        let config = Config { workers: 1, history: Some(Arc::clone(history)), ..Config::default() };
        let (engine, _) = Engine::start(config, compiled, sink).context("cannot start detection")?;
        Ok(Self { engine, said, account: Account::new(span, rules), spent: Duration::ZERO })
    }

    fn judge(&mut self, batch: Vec<Placed>) -> anyhow::Result<()> {
        let before = cpu_time();
        self.engine.submit(batch).context("detection stopped during the backtest")?;
        self.engine.drain().context("detection stopped during the backtest")?;
        self.spent += cpu_time().saturating_sub(before);
        let mut said = std::mem::take(&mut *self.said.lock());
        said.sort_by_key(|outputs| outputs.worker);
        said.iter().flat_map(|outputs| &outputs.outputs).for_each(|output| self.account.note(output));
        Ok(())
    }
}

/// Of this process, all threads.
fn cpu_time() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// The records of a journal, which a server may be writing, and their past. `devices`: the inventory, for a journal
/// that does not reach back to it.
pub(crate) fn of_journal(
    dir: &Path,
    until: Timestamp,
    devices: Vec<Device>,
) -> anyhow::Result<(Arc<dyn History>, impl Iterator<Item = anyhow::Result<Placed>> + use<>)> {
    let damaged = "the journal is damaged; fleetward journal verify says where";
    let history = JournalHistory::open(dir).context(damaged)?;
    let mut records = Reader::open_oldest(dir).context(damaged)?.map(move |record| record.context(damaged)).peekable();
    let (oldest, begun) = match records.peek() {
        Some(Ok(record)) => (record.offset.0, record.observed_at),
        _ => (0, Timestamp(0)),
    };
    // Offsets below the oldest are free: the inventory takes them, as if it had been imported just before.
    let known = devices.into_iter().zip(0..oldest).map(move |(device, offset)| {
        let change = fleetward_fleet::DeviceChange { device, removed: false, by: "inventory".into() };
        Ok((Offset(offset), Arc::new(observation_of(change, begun))))
    });
    let readable = records.filter_map(|record| match record {
        // What a newer version wrote was not judged live either.
        Ok(record) => wire::from_wire(&record.bytes).ok().map(|it| Ok((record.offset, Arc::new(it)))),
        Err(error) => Some(Err(error)),
    });
    let in_time = readable.take_while(move |it| it.as_ref().map_or(true, |(_, it)| it.observed_at < until));
    Ok((Arc::new(history), known.chain(in_time)))
}

/// Records from a file, in order; with ticks between them where there are none.
pub(crate) fn of_records(
    records: Vec<Observation>,
) -> (Arc<dyn History>, impl Iterator<Item = anyhow::Result<Placed>>) {
    let history = Recorded::default();
    let mut placed: Vec<Placed> = Vec::with_capacity(records.len());
    let mut ticked = records.first().map_or(Timestamp(0), |first| first.observed_at);
    let carries_ticks = records.iter().any(|record| matches!(record.body, Body::Tick));
    for observation in records {
        while !carries_ticks && ticked + TICK <= observation.observed_at {
            ticked = ticked + TICK;
            placed.push((Offset(placed.len() as u64), Arc::new(tick(ticked))));
        }
        let (offset, observation) = (Offset(placed.len() as u64), Arc::new(observation));
        history.add(offset, &observation);
        placed.push((offset, observation));
    }
    (Arc::new(history), placed.into_iter().map(Ok))
}

fn tick(at: Timestamp) -> Observation {
    Observation {
        event_time: at,
        observed_at: at,
        source: "clock".into(),
        device: DeviceId(0),
        identity: None,
        body: Body::Tick,
    }
}

/// Those of the rules whose names are wanted.
pub(crate) fn only(rules: RuleSet, wanted: impl Fn(&str) -> bool) -> RuleSet {
    let others: Vec<String> =
        rules.rules().iter().filter(|rule| !wanted(&rule.name)).map(|rule| rule.name.to_string()).collect();
    rules.without(&others)
}

/// When the newest record of a journal arrived.
pub(crate) fn last_arrival(dir: &Path) -> anyhow::Result<Option<Timestamp>> {
    let mut newest = None;
    for entry in std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        let first = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
        if path.extension().is_some_and(|end| end == "seg") {
            newest = newest.max(first);
        }
    }
    let mut last = None;
    for record in newest.into_iter().filter_map(|first| Reader::open(dir, Offset(first)).ok()).flatten() {
        last = Some(record.context("the journal is damaged; fleetward journal verify says where")?.observed_at);
    }
    Ok(last)
}
