//! The whole: devices, layers and time. An iterator of observations in the order in which they arrive.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use fleetward_fleet::{DeviceState, Observation, Profile, Timestamp};

use crate::calendar::{Calendar, DAY, HOUR};
use crate::class::{CLASSES, Class};
use crate::event::{self, Event};
use crate::life::Span;
use crate::misuse::{self, Effect, OverlayError, Scenario, Stage};
use crate::network::{Networks, Outages};
use crate::nuisance::Nuisances;
use crate::truth::Misuse;
use crate::unit::{Member, Shared, Unit};

/// What is simulated.
#[derive(Debug, Clone)]
pub struct Config {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// The first moment. The hour is what counts: the simulation begins on a full one.
    pub start: Timestamp,
    /// Days in all.
    pub days: u32,
    /// Of these, how many pass before misuse may begin: what a baseline can learn from.
    pub training_days: u32,
    /// How many devices of which class (index into [`CLASSES`]).
    pub classes: Vec<(usize, u32)>,
    /// What disturbs.
    pub nuisances: Nuisances,
    /// What is done to whom.
    pub scenarios: Vec<Scenario>,
    /// Devices of each class that a scenario befalls which does not say how many.
    pub misused: u32,
    /// A sensor of flows is there: each device's usual destinations once a day, and those of misuse.
    pub flows: bool,
    /// Seconds between ticks.
    pub tick: u32,
}

impl Default for Config {
    /// 12 weeks from Monday 19 January 2026, so that daylight saving begins in the test; no devices, no misuse.
    fn default() -> Self {
        Self {
            seed: 1,
            start: Timestamp::from_secs(1_768_780_800),
            days: 84,
            training_days: 56,
            classes: Vec::new(),
            nuisances: Nuisances::ALL,
            scenarios: Vec::new(),
            misused: 10,
            flows: true,
            tick: 900,
        }
    }
}

/// A running simulation. Its items are observations by [`Observation::observed_at`].
pub struct World {
    config: Config,
    span: Span,
    networks: Networks,
    calendar: Calendar,
    outages: Outages,
    apns: Vec<Box<str>>,
    units: Vec<Unit>,
    members: Vec<Member>,
    truth: Vec<Misuse>,
    /// Unit to its place in the truth.
    misused: HashMap<u32, usize>,
    hour: i64,
    next_tick: i64,
    ready: std::vec::IntoIter<Event>,
    /// Arrives later than the hour in which it happened.
    later: BinaryHeap<Reverse<ByOrder>>,
}

struct ByOrder(Event);

impl World {
    /// Makes the devices and decides what will befall them.
    pub fn new(mut config: Config) -> Result<Self, OverlayError> {
        config.training_days = config.training_days.min(config.days);
        let start = config.start.secs().div_euclid(HOUR) * HOUR;
        let day = |days: u32| start + i64::from(days) * DAY;
        let span = Span { start, test: day(config.training_days), end: day(config.days) };
        let calendar = Calendar::new(config.start, config.days, config.nuisances.daylight_saving);
        let (mut units, mut members) = (Vec::new(), Vec::new());
        let mut numbers = [0_u32; CLASSES.len()];
        for &(class, count) in &config.classes {
            for _ in 0..count {
                let unit = Unit::new(config.seed, units.len() as u32, class, span, config.nuisances);
                numbers[class] += 1;
                members.push(unit.member(numbers[class], class));
                units.push(unit);
            }
        }
        let mut by_class = vec![Vec::new(); CLASSES.len()];
        for (index, (unit, member)) in units.iter().zip(&members).enumerate() {
            if unit.life.joins <= span.start && unit.life.leaves >= span.end {
                by_class[member.class].push(index as u32);
            }
        }
        let stage = Stage { from: span.test, until: span.end, offset: calendar.offset(span.test) };
        let casts = misuse::cast(config.seed, &config.scenarios, &by_class, config.misused, stage)?;
        let (mut truth, mut misused) = (Vec::new(), HashMap::new());
        for cast in casts {
            let member = &members[cast.unit as usize];
            misused.insert(cast.unit, truth.len());
            truth.push(Misuse::new(member.id, member.class, &cast));
            units[cast.unit as usize].drawn = Some(Box::new(cast.drawn));
        }
        Ok(Self {
            outages: Outages::new(config.seed, span.start, span.end, config.nuisances.outages),
            apns: apns(&config.scenarios),
            networks: Networks::new(),
            hour: start,
            next_tick: start * 1000,
            ready: Vec::new().into_iter(),
            later: BinaryHeap::new(),
            config,
            span,
            calendar,
            units,
            members,
            truth,
            misused,
        })
    }

    /// The devices, in the order of their units.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The profiles of the classes that are simulated.
    pub fn profiles(&self) -> Vec<Profile> {
        let used = |class: &usize| self.config.classes.iter().any(|(used, count)| used == class && *count > 0);
        (0..CLASSES.len()).filter(used).map(|class| CLASSES[class].profile()).collect()
    }

    /// What is simulated.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Who is misused. The octets spent are known as far as the simulation has come.
    pub fn truth(&self) -> &[Misuse] {
        &self.truth
    }

    /// What the overlays ask for that this run does not have: nothing is wrong with them, and yet somebody should know.
    pub fn warnings(&self) -> Vec<String> {
        let scenarios = self.config.scenarios.iter().enumerate();
        scenarios.flat_map(|(index, scenario)| self.warnings_of(index, scenario)).collect()
    }

    fn warnings_of(&self, index: usize, scenario: &Scenario) -> Vec<String> {
        if self.truth.iter().all(|misuse| misuse.scenario != index) {
            return vec![self.befalls_nobody(scenario)];
        }
        self.befalls_fewer(scenario).into_iter().chain(self.begins_late(scenario)).collect()
    }

    fn befalls_nobody(&self, scenario: &Scenario) -> String {
        let (name, missing) = (&scenario.scenario, self.missing(scenario));
        if missing.is_empty() || missing.len() < scenario.select.classes.len() {
            return format!("scenario {name} befalls no device: what it selects of this many devices is none");
        }
        format!("scenario {name} befalls no device: {} not simulated", missing.join(", "))
    }

    fn befalls_fewer(&self, scenario: &Scenario) -> Option<String> {
        let (name, missing) = (&scenario.scenario, self.missing(scenario));
        let fewer =
            || format!("scenario {name} befalls fewer classes than it selects: {} not simulated", missing.join(", "));
        (!missing.is_empty()).then(fewer)
    }

    /// The classes that it selects and that are not simulated.
    fn missing<'a>(&self, scenario: &'a Scenario) -> Vec<&'a str> {
        let is_simulated = |class: usize| self.members.iter().any(|member| member.class == class);
        let is_missing = |name: &&str| !Class::find(name).is_some_and(|(class, _)| is_simulated(class));
        scenario.select.classes.iter().map(|name| &**name).filter(is_missing).collect()
    }

    fn begins_late(&self, scenario: &Scenario) -> Option<String> {
        let name = &scenario.scenario;
        let days = f64::from(self.config.days - self.config.training_days);
        let day = scenario.start.day.filter(|day| day.most >= days)?;
        let which = if day.least >= days { "all" } else { "some" };
        Some(format!(
            "scenario {name}: {which} of its devices would begin after the test of {days} days, and begin in its last hour"
        ))
    }

    /// When the test begins.
    pub fn test_begins(&self) -> Timestamp {
        Timestamp::from_secs(self.span.test)
    }

    /// When the simulation ends.
    pub fn ends(&self) -> Timestamp {
        Timestamp::from_secs(self.span.end)
    }

    /// When a unit joined and when it left (or the simulation ended).
    pub fn life(&self, unit: u32) -> (Timestamp, Timestamp) {
        let life = &self.units[unit as usize].life;
        (Timestamp::from_secs(life.joins), Timestamp::from_secs(life.leaves.min(self.span.end)))
    }

    /// Simulates the next hour; `false` when there is none.
    fn simulate(&mut self) -> bool {
        if self.hour >= self.span.end {
            return false;
        }
        let (hour, mut events) = (self.hour, Vec::with_capacity(self.units.len() * 2));
        let outages = self.outages.of_hour(hour);
        let shared = Shared {
            networks: &self.networks,
            nuisances: self.config.nuisances,
            outages: &outages,
            offset: self.calendar.offset(hour),
            apns: &self.apns,
            flows: self.config.flows,
        };
        for (index, (unit, member)) in self.units.iter_mut().zip(&self.members).enumerate() {
            if (hour..hour + HOUR).contains(&unit.life.joins) {
                let at = (unit.life.joins - 60).max(hour) * 1000;
                unit.inventory(at, member, DeviceState::Active, &shared, &mut events);
            }
            let place = self.misused.get(&(index as u32)).copied();
            let truth = place.and_then(|place| self.truth.get_mut(place));
            unit.hour(hour, member, &shared, &mut events, truth);
        }
        self.hour += HOUR;
        self.order(events);
        true
    }

    /// Puts events into the order of their arrival; what arrives after the hour waits.
    fn order(&mut self, events: Vec<Event>) {
        let end = self.hour * 1000;
        let last = self.hour >= self.span.end;
        let (mut now, later): (Vec<Event>, Vec<Event>) = events.into_iter().partition(|event| event.observed < end);
        while let Some(Reverse(first)) = self.later.pop() {
            if first.0.observed >= end {
                self.later.push(Reverse(first));
                break;
            }
            now.push(first.0);
        }
        // What would arrive after the simulation is lost with it.
        if !last {
            self.later.extend(later.into_iter().map(|event| Reverse(ByOrder(event))));
        }
        now.sort_unstable_by_key(Event::order);
        self.ready = now.into_iter();
    }
}

impl Iterator for World {
    type Item = Observation;

    fn next(&mut self) -> Option<Observation> {
        loop {
            let due = self.ready.as_slice().first().map(|event| event.observed);
            // A tick comes after what arrived before it, and the one that closes the hour before the next hour is made.
            if due.map_or(self.hour * 1000 > self.next_tick, |at| at > self.next_tick) {
                let at = self.next_tick;
                self.next_tick += i64::from(self.config.tick.max(1)) * 1000;
                return Some(event::tick(at));
            }
            if let Some(event) = self.ready.next() {
                let member = &self.members[event.unit as usize];
                return Some(event.observation(member, &self.apns));
            }
            if !self.simulate() {
                return None;
            }
        }
    }
}

/// The fleet's access point first, then those that misuse uses.
fn apns(scenarios: &[Scenario]) -> Vec<Box<str>> {
    let mut names: Vec<Box<str>> = vec!["fleet.example".into()];
    for effect in scenarios.iter().flat_map(|scenario| &scenario.effects) {
        if let Effect::Apn { name } = effect {
            names.push(name.clone());
        }
    }
    names
}

impl PartialEq for ByOrder {
    fn eq(&self, other: &Self) -> bool {
        self.0.order() == other.0.order()
    }
}
impl Eq for ByOrder {}
impl PartialOrd for ByOrder {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for ByOrder {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.order().cmp(&other.0.order())
    }
}

#[cfg(test)]
mod tests;
