//! Whether a rule costs what `explain` says: `cargo bench -p fleetward-rules --bench cost` prints, for rules of every shape, the
//! estimate of [`fleetward_rules::Rule::cost`], what it took in truth, and the ratio, which should lie between 0.5 and 2 once the
//! pace of the machine is taken out: estimates are nanoseconds of one machine, and the median ratio says how much slower this one is.
//!
//! Each shape is compiled a hundred times under other names and limits, so that no two of them ask the same, and judged on the
//! interims of a thousand well-behaved devices, in processor time of this thread. What an empty rule set costs is taken off.
//! Then the same of rules whose condition holds all the time: what a record costs while an episode is under way, and when it is told
//! of again.
//! What several rules ask is asked once, limits of one number from the lowest on, and what records of one shape have in common
//! once for all of them: such rules cost less than they say, so there is no shape of that kind here.

use std::hint::black_box;
use std::time::Duration;

use fleetward_fleet::{Country, Device, DeviceId, Profile, SessionKey, Timestamp};
use fleetward_rules::{Class, Facts, Options, RuleSet, SubjectState, Trigger};
use nix::time::{ClockId, clock_gettime};

/// `@` is another number in each copy, `$` another country.
const SHAPES: [(&str, &str); 12] = [
    ("compare an amount", "when: total_bytes < 1@"),
    ("compare a name", "when: country == \"$\" && bytes < 1@ KB"),
    ("a list of the profile", "when: '!allowed(country, profile.countries) || bytes > 9@ GB'"),
    ("three tests", "when: network == \"90101\" || rat == \"gan\" || bytes > 9@ GB"),
    ("text", "when: apn.startsWith(\"corp@.\")"),
    ("changed", "when: changed(imei) || bytes > 9@ GB"),
    ("arithmetic", "when: bytes_up > @0 * bytes_down + 1000"),
    ("a sum over an hour", "watch: { used: { sum: bytes, over: 1@m } }\nwhen: used > 500 GB"),
    ("a sum and a test", "watch: { used: { sum: bytes, over: 1@m } }\nwhen: used > 500 GB && country != \"DE\""),
    ("a sum by a profile", "watch: { used: { sum: bytes, over: 1@m } }\nwhen: used > profile.volume.per_hour"),
    ("a count", "watch: { seen: { count: session_interim, over: 1@m } }\nwhen: seen >= 500"),
    ("distinct values", "watch: { seen: { distinct: country, over: 1@m } }\nwhen: seen >= 2"),
];
/// What holds for every record: an episode is under way all the time.
const UNDER_WAY: [(&str, &str); 3] = [
    ("pending", "when: total_bytes > 1@ for 9d"),
    ("firing", "when: total_bytes > 1@"),
    ("firing, with a way back", "when: total_bytes > 1@\nclear: total_bytes < 1@"),
];
const COPIES: u64 = 100;
const ROUNDS: u64 = 40;

#[expect(clippy::print_stdout, reason = "a benchmark says its figures")]
fn main() {
    #[expect(clippy::cast_precision_loss, reason = "a hundred")]
    let count = COPIES as f64;
    let nanos = |set: &RuleSet| median(rounds(set).0);
    let nothing = nanos(&RuleSet::default());
    let rows = SHAPES.map(|(name, body)| {
        let set = copies(body);
        let estimate = set.rules().iter().map(|rule| rule.cost().nanos).sum::<f64>() / count;
        (name, estimate, (nanos(&set) - nothing) / count)
    });
    let mut ratios = rows.map(|(_, estimate, measured)| measured / estimate);
    ratios.sort_by(f64::total_cmp);
    let pace = ratios[ratios.len() / 2];
    println!("{:<24} {:>9} {:>9} {:>6} {:>12}", "rule", "estimate", "measured", "ratio", "at this pace");
    for (name, estimate, measured) in rows {
        let ratio = measured / estimate;
        println!("{name:<24} {estimate:>6.1} ns {measured:>6.1} ns {ratio:>6.2} {:>12.2}", ratio / pace);
    }
    println!("the pace of this machine: {pace:.2}");
    println!(
        "{:<24} {:>9} {:>9} {:>6} {:>12} {:>9}",
        "under way", "estimate", "measured", "ratio", "at this pace", "told"
    );
    for (name, body) in UNDER_WAY {
        let set = copies(body);
        let estimate = set.rules().iter().map(|rule| rule.cost().nanos_under_way).sum::<f64>() / count;
        let (quiet, told) = rounds(&set);
        let (quiet, told) = ((median(quiet) - nothing) / count, (median(told) - nothing) / count);
        let ratio = quiet / estimate;
        println!("{name:<24} {estimate:>6.1} ns {quiet:>6.1} ns {ratio:>6.2} {:>12.2} {told:>6.0} ns", ratio / pace);
    }
}

fn copies(body: &str) -> RuleSet {
    let letters = || 'A'..='Z';
    let pairs = letters().flat_map(|a| letters().map(move |b| format!("{a}{b}")));
    let strange = pairs
        .filter(|name| name != "DE" && name.parse::<Country>().is_ok_and(Country::is_assigned))
        .collect::<Vec<_>>();
    let one = |n: u64| {
        let body = body.replace('@', &format!("{:02}", n + 1)).replace('$', &strange[n as usize]);
        format!("rule: copy-{n}\ntitle: t\n{body}\n")
    };
    let text = (0..COPIES).map(one).collect::<Vec<_>>().join("---\n");
    RuleSet::compile(&[("copies.yaml", &text)], &Options::default()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds.get(rounds.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Nanoseconds for one record of one device, for each round: those in which nobody was told of anything, and those in which
/// every rule told of every device.
#[expect(clippy::cast_precision_loss, reason = "a thousand devices")]
fn rounds(set: &RuleSet) -> (Vec<f64>, Vec<f64>) {
    let yaml = "model: meter\ncountries: [DE, AT, CH]\nnetworks: ['26201', '26202']\napns: [iot.example]\nvolume: { per_hour: 900 MB }\n";
    let profile = Profile::from_yaml(yaml).expect("a profile");
    let device = Device::named("meter-17");
    let plan = set.plan(Some(Class { device: Some(&device), profile: Some(&profile) }));
    let key = SessionKey { nas: "pgw-1".into(), id: "4711".into() };
    // Beside the tests it only has to run.
    let devices = if std::env::args().any(|argument| argument == "--bench") { 1000 } else { 10 };
    let mut states = vec![SubjectState::default(); devices];
    let (mut out, mut quiet, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let now = Timestamp(1_767_571_200_000) + Duration::from_mins(round * 10);
        let start = processor_time();
        for (index, state) in (0..).zip(&mut states) {
            let mut facts = Facts::new(Trigger::SessionInterim, now, now, DeviceId(index), "meter-17");
            (facts.device, facts.profile, facts.session) = (Some(&device), Some(&profile), Some(&key));
            (facts.bytes_up, facts.bytes_down, facts.total_bytes) = (Some(1200), Some(400), Some(160_000));
            facts.imei = "35693803564380".parse().ok();
            facts.network = profile.networks.first().copied();
            facts.country = profile.countries.first().copied();
            (facts.apn, facts.rat) = (Some("iot.example"), Some(fleetward_fleet::Rat(8)));
            set.observe_planned(&plan, None, black_box(&facts), state, &mut out);
        }
        let taken = processor_time().saturating_sub(start).as_secs_f64() * 1e9 / devices as f64;
        match out.drain(..).count() {
            0 => quiet.push(taken),
            _ => told.push(taken),
        }
    }
    (quiet, told)
}

/// What this thread has used of a processor: others may use it meanwhile.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("every Linux has this clock").into()
}
