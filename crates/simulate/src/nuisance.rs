//! What is no misuse and yet disturbs: each layer can be switched off, the others stay as they were.

/// Which nuisances are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Nuisances {
    /// Firmware waves: half of a class downloads an update within three days, restarts, says another version.
    pub firmware: bool,
    /// Daylight saving: schedules by the local clock move against UTC.
    pub daylight_saving: bool,
    /// Outages of regions and of a whole network, with what could not be sent sent afterwards.
    pub outages: bool,
    /// A device legitimately transfers more or less from a day on.
    pub steps: bool,
    /// Records that are lost, late, out of order or sent twice.
    pub records: bool,
    /// Devices near a border change networks.
    pub borders: bool,
    /// Bursts on the first of the month.
    pub billing: bool,
    /// Devices join and leave, and all grow slowly.
    pub growth: bool,
    /// Modules are exchanged for service, and the inventory knows it.
    pub service: bool,
}

/// The names of all layers, as `--nuisance` takes them.
pub const NUISANCES: [&str; 9] =
    ["firmware", "dst", "outages", "steps", "records", "borders", "billing", "growth", "service"];

impl Nuisances {
    /// Everything.
    pub const ALL: Self = Self::every(true);
    /// Nothing.
    pub const NONE: Self = Self::every(false);

    const fn every(on: bool) -> Self {
        Self {
            firmware: on,
            daylight_saving: on,
            outages: on,
            steps: on,
            records: on,
            borders: on,
            billing: on,
            growth: on,
            service: on,
        }
    }

    /// Switches one layer; `false` where there is none of this name.
    pub fn set(&mut self, name: &str, on: bool) -> bool {
        let layer = match name {
            "firmware" => &mut self.firmware,
            "dst" => &mut self.daylight_saving,
            "outages" => &mut self.outages,
            "steps" => &mut self.steps,
            "records" => &mut self.records,
            "borders" => &mut self.borders,
            "billing" => &mut self.billing,
            "growth" => &mut self.growth,
            "service" => &mut self.service,
            _ => return false,
        };
        *layer = on;
        true
    }
}

impl Default for Nuisances {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_has_a_name() {
        let mut all = Nuisances::NONE;
        assert!(NUISANCES.iter().all(|name| all.set(name, true)));
        assert_eq!(all, Nuisances::ALL);
        assert!(!all.set("weather", true));
    }
}
