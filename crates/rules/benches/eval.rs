//! What the default rules cost a record. Run with `cargo bench -p fleetward-rules`.

use std::hint::black_box;
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use fleetward_fleet::{Device, DeviceId, Profile, SessionKey, Timestamp};
use fleetward_rules::{Facts, Options, RuleSet, SubjectState, Trigger};

fn main() {
    divan::main();
}

const DEVICES: usize = 1000;
const CUSTOM: &str = "rule: custom-N\ntitle: t\nscope: '\"meters\" in device.groups'\nwatch: { used: { sum: bytes, over: Nm } }\n\
                      when: used > 50 GB && country != \"DE\" && apn.startsWith(\"iot.\")\n";

fn profile() -> Profile {
    let yaml = "model: meter\ntacs: ['35693803']\ncountries: [DE, AT, CH]\nnetworks: ['26201', '26202', '23201']\napns: [iot.example]\n\
                rats: [nb-iot, lte-m]\nvolume: { per_hour: 2 MB, per_day: 20 MB }\nsessions_per_day: 40\ncontact_every: 26 h\n";
    Profile::from_yaml(yaml).expect("a profile")
}

fn device() -> Device {
    let mut device = Device::named("meter-17");
    device.imei = "35693803564380".parse().ok();
    device.groups = vec!["meters".into()];
    device
}

fn run(bencher: Bencher<'_, '_>, set: &RuleSet, trigger: Trigger) {
    let (device, profile) = (device(), profile());
    let key = SessionKey { nas: "pgw-1".into(), id: "4711".into() };
    let mut states: Vec<SubjectState> = (0..DEVICES).map(|_| SubjectState::default()).collect();
    let mut now = Timestamp(1_767_571_200_000);
    let mut out = Vec::new();
    bencher.counter(ItemsCount::new(DEVICES)).bench_local(|| {
        now = now + Duration::from_mins(10);
        for (index, state) in states.iter_mut().enumerate() {
            let mut facts = Facts::new(trigger, now, now, DeviceId(index as u64), "meter-17");
            facts.device = Some(&device);
            facts.profile = Some(&profile);
            facts.last_contact = Some(now);
            if trigger != Trigger::Tick {
                facts.session = Some(&key);
                (facts.bytes_up, facts.bytes_down) = (Some(1200), Some(400));
                (facts.total_bytes, facts.session_secs) = (Some(160_000), Some(6000));
                (facts.open_sessions, facts.session_is_new) = (Some(1), Some(false));
                facts.imeisv = "3569380356438001".parse().ok();
                facts.imei = device.imei;
                facts.network = profile.networks.first().copied();
                facts.country = profile.countries.first().copied();
                facts.apn = Some("iot.example");
                facts.rat = Some(fleetward_fleet::Rat(8));
            }
            set.observe(black_box(&facts), state, &mut out);
        }
        assert!(out.is_empty(), "a well-behaved device");
    });
    let bytes: usize = states.iter().map(SubjectState::bytes).sum();
    eprintln!("state: {} bytes a device", bytes / DEVICES);
}

#[divan::bench]
fn default_rules_interim(bencher: Bencher<'_, '_>) {
    run(bencher, &RuleSet::builtin(&Options::default()), Trigger::SessionInterim);
}

#[divan::bench]
fn default_rules_tick(bencher: Bencher<'_, '_>) {
    run(bencher, &RuleSet::builtin(&Options::default()), Trigger::Tick);
}

#[divan::bench]
fn default_and_100_custom_rules_interim(bencher: Bencher<'_, '_>) {
    let custom: Vec<String> = (0..100)
        .map(|n| CUSTOM.replace("custom-N", &format!("custom-{n}")).replace("Nm", &format!("{}m", 60 + n % 4)))
        .collect();
    let files: Vec<(&str, &str)> = custom.iter().map(|text| ("custom", text.as_str())).collect();
    let set = RuleSet::with_builtin(&files, &Options::default()).unwrap_or_else(|errors| panic!("{errors:?}"));
    run(bencher, &set, Trigger::SessionInterim);
}

#[divan::bench(sample_count = 10)]
fn compile_the_default_rules() -> RuleSet {
    RuleSet::builtin(&Options::default())
}
