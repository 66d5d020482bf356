//! Counts: what was found, what was said in error. Sums of worlds are sums of counts.

use std::collections::BTreeMap;

/// What came of the misuse of one scenario on one class. All lists have one entry a column.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Cell {
    /// Devices that were misused.
    pub misused: u64,
    /// Of these, found.
    pub found: Vec<u64>,
    /// Hours until each was found.
    pub hours: Vec<Vec<f64>>,
    /// Octets that had flowed until each was found.
    pub octets: Vec<Vec<u64>>,
    /// Alarms about those that were found: 1 each is perfect merging.
    pub alarms: Vec<u64>,
}

/// What was said about devices that nobody misused, one class.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Quiet {
    /// How long they were watched, in device-months of 730 hours.
    pub device_months: f64,
    /// Alarms about them, by column.
    pub alarms: Vec<u64>,
}

/// All counts of a trial.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Outcome {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// By scenario, then class.
    pub cells: BTreeMap<(String, String), Cell>,
    /// By class.
    pub quiet: BTreeMap<String, Quiet>,
    /// False alarms by rule.
    pub rules: BTreeMap<String, u64>,
    /// Findings about a model or group as a whole of whose devices at least half are misused, by rule.
    pub fleet_right: BTreeMap<String, u64>,
    /// And the others: firmware waves, outages. Each is one false alarm.
    pub fleet_wrong: BTreeMap<String, u64>,
    /// Devices that nobody misused and that a rule would have acted on.
    pub wrongly_touched: u64,
    /// Devices that nobody misused.
    pub innocent: u64,
    /// Records judged.
    pub records: u64,
    /// Worlds.
    pub worlds: u64,
}

impl Outcome {
    /// No counts yet.
    pub fn new(columns: Vec<String>) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: Self) {
        for (key, cell) in other.cells {
            self.cells.entry(key).or_default().add(cell);
        }
        for (key, quiet) in other.quiet {
            let own = self.quiet.entry(key).or_default();
            own.device_months += quiet.device_months;
            sum(&mut own.alarms, &quiet.alarms);
        }
        let pairs = [
            (&mut self.rules, other.rules),
            (&mut self.fleet_right, other.fleet_right),
            (&mut self.fleet_wrong, other.fleet_wrong),
        ];
        for (own, more) in pairs {
            for (rule, count) in more {
                *own.entry(rule).or_default() += count;
            }
        }
        self.wrongly_touched += other.wrongly_touched;
        self.innocent += other.innocent;
        self.records += other.records;
        self.worlds += other.worlds;
    }

    /// The cell of a scenario and class, with as many columns as there are.
    pub(crate) fn cell(&mut self, scenario: &str, class: &str) -> &mut Cell {
        let columns = self.columns.len();
        self.cells.entry((scenario.to_owned(), class.to_owned())).or_insert_with(|| Cell::of(columns))
    }

    /// The quiet devices of a class.
    pub(crate) fn quiet(&mut self, class: &str) -> &mut Quiet {
        let columns = self.columns.len();
        self.quiet.entry(class.to_owned()).or_insert_with(|| Quiet { device_months: 0.0, alarms: vec![0; columns] })
    }

    /// All cells of a scenario together.
    pub fn scenario(&self, name: &str) -> Cell {
        self.together(|scenario, _| scenario == name)
    }

    /// All cells that a question picks by scenario and class, together.
    pub fn together(&self, picks: impl Fn(&str, &str) -> bool) -> Cell {
        let mut all = Cell::of(self.columns.len());
        let picked = self.cells.iter().filter(|((scenario, class), _)| picks(scenario, class));
        picked.for_each(|(_, cell)| all.add(cell.clone()));
        all
    }

    /// The names of the scenarios.
    pub fn scenarios(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.cells.keys().map(|(scenario, _)| scenario.as_str()).collect();
        names.dedup();
        names
    }
}

impl Cell {
    fn of(columns: usize) -> Self {
        Self {
            misused: 0,
            found: vec![0; columns],
            hours: vec![Vec::new(); columns],
            octets: vec![Vec::new(); columns],
            alarms: vec![0; columns],
        }
    }

    fn add(&mut self, other: Self) {
        self.misused += other.misused;
        sum(&mut self.found, &other.found);
        sum(&mut self.alarms, &other.alarms);
        extend(&mut self.hours, other.hours);
        extend(&mut self.octets, other.octets);
    }

    /// The share that was found.
    pub fn share(&self, column: usize) -> f64 {
        self.found.get(column).map_or(0.0, |found| *found as f64 / self.misused.max(1) as f64)
    }

    /// The same; `None` where nobody was misused.
    pub fn share_of_some(&self, column: usize) -> Option<f64> {
        (self.misused > 0).then(|| self.share(column))
    }

    /// The median of the hours until it was found, of those that were.
    pub fn median_hours(&self, column: usize) -> Option<f64> {
        median(self.hours.get(column)?.clone())
    }

    /// The median of the octets lost until it was found, of those that were.
    pub fn median_octets(&self, column: usize) -> Option<f64> {
        median(self.octets.get(column)?.iter().map(|octets| *octets as f64).collect())
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn sum(own: &mut Vec<u64>, more: &[u64]) {
    own.resize(own.len().max(more.len()), 0);
    own.iter_mut().zip(more).for_each(|(own, more)| *own += more);
}

fn extend<T>(own: &mut Vec<Vec<T>>, more: Vec<Vec<T>>) {
    own.resize_with(own.len().max(more.len()), Vec::new);
    own.iter_mut().zip(more).for_each(|(own, more)| own.extend(more));
}
