use super::*;
use crate::pace::Temperament;

/// A host: what it answers to its `count`th packet, of this port, at this time.
type Host<'a> = &'a mut dyn FnMut(u16, Duration) -> Option<PortState>;

/// Runs a sweep against a host with a round trip of a millisecond; how it ended, when, and how many packets left.
fn run(ports: &PortSet, temperament: Temperament, host: Host<'_>) -> (Sweep, Outcome, Duration, u32) {
    let limits = temperament.limits();
    let mut sweep = Sweep::new(ports, limits, limits.unanswered);
    let (mut now, mut packets) = (Duration::ZERO, 0);
    let mut coming: VecDeque<(Duration, Probe, PortState)> = VecDeque::new();
    loop {
        while coming.front().is_some_and(|(at, ..)| *at <= now) {
            let (_, probe, state) = coming.pop_front().unwrap();
            sweep.answered(probe.port, probe.number, state, now);
        }
        match sweep.step(now) {
            Step::Ask(probe) => {
                packets += 1;
                now += Duration::from_micros(5);
                if let Some(state) = host(probe.port, now) {
                    coming.push_back((now + Duration::from_millis(1), probe, state));
                }
            }
            Step::Wait(until) => now = coming.front().map_or(until, |(at, ..)| until.min(*at)).max(now),
            Step::End(outcome) => return (sweep, outcome, now, packets),
        }
        assert!(now < Duration::from_hours(2), "it stalls");
    }
}

const OPEN: [u16; 4] = [22, 80, 8_123, 61_000];

fn truth(port: u16) -> PortState {
    if OPEN.contains(&port) { PortState::Open } else { PortState::Closed }
}

/// Answers so many a second, with a bucket of a hundred.
fn limiter(rate: f64) -> impl FnMut(u16, Duration) -> Option<PortState> {
    let (mut tokens, mut last) = (100.0, Duration::ZERO);
    move |port, now| {
        tokens = f64::min(tokens + now.saturating_sub(last).as_secs_f64() * rate, 100.0);
        last = now;
        (tokens >= 1.0).then(|| {
            tokens -= 1.0;
            truth(port)
        })
    }
}

#[test]
fn a_quiet_host_is_asked_once_a_port() {
    let (sweep, outcome, took, packets) = run(&PortSet::default(), Temperament::Fast, &mut |port, _| Some(truth(port)));
    assert_eq!((outcome, sweep.harvest().0, sweep.harvest().1), (Outcome::Done, OPEN.to_vec(), 65_531));
    assert!(packets < 66_000 && took < Duration::from_secs(1), "{packets} packets, {took:?}");
}

#[test]
fn a_host_that_limits_its_answers_is_kept_busy_and_nothing_is_missed() {
    let (sweep, outcome, took, packets) = run(&PortSet::default(), Temperament::Fast, &mut limiter(2_000.0));
    let (open, closed, unknown, _) = sweep.harvest();
    assert_eq!((outcome, open), (Outcome::Done, OPEN.to_vec()));
    assert!(unknown < 10, "{closed} closed, {unknown} unknown, {packets} packets, {took:?}");
    // 65,535 answers at 2,000 a second take 32.8 s.
    assert!(took < Duration::from_secs(37), "{packets} packets, {took:?}");
    assert!(packets < 200_000, "{packets} packets, {took:?}");
}

#[test]
fn where_only_resets_are_limited_nobody_waits_for_them() {
    let mut limited = limiter(200.0);
    let mut host = |port, now| if OPEN.contains(&port) { Some(PortState::Open) } else { limited(port, now) };
    let (sweep, outcome, took, packets) = run(&PortSet::default(), Temperament::Normal, &mut host);
    let (open, closed, unknown, left) = sweep.harvest();
    assert_eq!((outcome, open, closed + unknown), (Outcome::Done, OPEN.to_vec(), 65_531));
    // To hear 65,531 resets would take 328 s.
    assert!(left.is_empty() && took < Duration::from_secs(5) && packets < 150_000, "{packets} packets, {took:?}");
    assert!(unknown > 60_000, "{unknown}: what was not heard is not called closed");
}

#[test]
fn with_loss_a_silent_port_is_asked_until_it_cannot_be_open() {
    for percent in [2, 5, 10, 20] {
        let mut random = 0x5eed_u64 + percent;
        let mut host = |port, _| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (OPEN.contains(&port) && (random >> 33) % 100 >= percent).then_some(PortState::Open)
        };
        let (sweep, outcome, took, packets) = run(&PortSet::default(), Temperament::Normal, &mut host);
        assert_eq!((outcome, sweep.harvest().0), (Outcome::Done, OPEN.to_vec()), "{percent} % lost");
        assert!(took < Duration::from_secs(30), "{percent} %: {packets} packets, {took:?}");
    }
}

#[test]
fn a_device_that_slows_down_is_asked_more_slowly_however_gently_it_was() {
    // It takes a tenth of a second for an answer, one after the other: half of what gentle may ask.
    let (mut asked, mut busy) = (Vec::new(), Duration::ZERO);
    let mut sweep = Sweep::new(&"1-600".parse().unwrap(), Temperament::Gentle.limits(), 20);
    let (mut now, mut coming) = (Duration::ZERO, VecDeque::new());
    while let step = sweep.step(now)
        && !matches!(step, Step::End(_))
    {
        match step {
            Step::Ask(probe) => {
                asked.push(now);
                busy = busy.max(now) + Duration::from_millis(100);
                coming.push_back((busy, probe));
            }
            Step::Wait(until) => now = coming.front().map_or(until, |(at, _)| until.min(*at)).max(now),
            Step::End(_) => {}
        }
        while let Some((_, probe)) = coming.pop_front_if(|(at, _)| *at <= now) {
            sweep.answered(probe.port, probe.number, PortState::Closed, now);
        }
    }
    let late = asked.iter().filter(|at| (20..40).contains(&at.as_secs())).count();
    assert!(late <= 220, "{late} questions in 20 s, when it answers 200");
    assert_eq!(sweep.harvest().1, 600);
}

#[test]
fn a_firewall_that_drops_does_not_stall_and_its_ports_stay_unknown() {
    let mut host = |port, _| OPEN.contains(&port).then_some(PortState::Open);
    let (sweep, outcome, took, _) = run(&PortSet::default(), Temperament::Fast, &mut host);
    let (open, closed, unknown, left) = sweep.harvest();
    assert_eq!((outcome, open, closed, unknown), (Outcome::Done, OPEN.to_vec(), 0, 65_531));
    assert!(left.is_empty() && took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn a_host_that_never_answers_is_silent() {
    let (sweep, outcome, took, _) = run(&"1-1000".parse().unwrap(), Temperament::Fast, &mut |_, _| None);
    assert_eq!((outcome, sweep.harvest().2), (Outcome::Silent, 1_000));
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_host_that_falls_silent_is_left_alone() {
    let mut after = 0;
    let mut host = |port, now| {
        after += u32::from(now >= Duration::from_millis(200));
        (now < Duration::from_millis(200)).then(|| truth(port))
    };
    let (sweep, outcome, took, _) = run(&PortSet::default(), Temperament::Normal, &mut host);
    assert_eq!(outcome, Outcome::FellSilent);
    // What leaves until the first answers are missed: less than half a second.
    assert!(took < Duration::from_secs(12) && after < 45_000, "{took:?}, {after} packets");
    assert!(!sweep.harvest().3.is_empty());
}

#[test]
fn gentle_keeps_its_rate() {
    let mut times = Vec::new();
    let mut host = |port, now| {
        times.push(now);
        Some(truth(port))
    };
    run(&"1-400".parse().unwrap(), Temperament::Gentle, &mut host);
    let most =
        times.iter().map(|from| times.iter().filter(|it| *it >= from && **it < *from + Duration::from_secs(1)).count());
    assert!(most.max().unwrap() <= 20);
}

#[test]
fn what_is_not_asked_has_no_entry() {
    for ports in [vec![443, 20, 21, 22, 80, 20], (0..=u16::MAX).collect(), (1..=1024).collect(), Vec::new()] {
        let mut entries = Entries::of(ports.clone());
        for port in [0, 1, 20, 22, 23, 80, 81, 443, 444, 1024, 1025, u16::MAX] {
            assert_eq!(entries.at(port).is_some(), ports.contains(&port), "{port}");
            entries.at(port).into_iter().for_each(|entry| entry.tries = (port % 200) as u8);
        }
        assert!(entries.iter().all(|(port, entry)| entry.tries == 0 || u16::from(entry.tries) == port % 200));
    }
}
