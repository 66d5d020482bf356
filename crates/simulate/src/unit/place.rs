//! Where a device is: cells, borders, tours abroad, and where misuse puts it.

use fleetward_fleet::Tac;

use super::{Shared, Unit, module};
use crate::calendar::HOUR;
use crate::class::Moves;
use crate::event::Attached;
use crate::misuse::Drawn;
use crate::network::{self, CELLS, Networks, REGIONS};

impl Unit {
    /// Where it is now. A stationary device sees a neighbouring cell now and then, one near a border another network.
    pub(super) fn walk(&mut self, slot: i64, moving: bool, shared: &Shared<'_>) {
        if moving {
            self.cell = self.place.below(CELLS);
            if self.place.chance(0.02) {
                self.region = (self.region + [1, REGIONS - 1][self.place.below(2) as usize]) % REGIONS;
            }
            if self.roamer && slot >= self.abroad.1 && self.place.chance(0.04) {
                // A tour: abroad for a day or two, or home again.
                let tour = self.place.log_normal(20.0, 0.7) * HOUR as f64;
                let next = if self.abroad.0 == 0 { 1 + self.place.below(4) as usize } else { 0 };
                self.abroad = (next, slot + tour as i64);
            }
            return;
        }
        if self.class.moves == Moves::Never {
            if self.place.chance(0.003) {
                self.cell ^= 1;
            }
            if self.border && shared.nuisances.borders && self.place.chance(0.01) {
                self.abroad.0 = usize::from(self.abroad.0 == 0);
            }
        }
    }

    pub(super) fn attached(&self, networks: &Networks) -> Attached {
        let network = match self.abroad.0 {
            0 => networks.home,
            // A wall that stands near a border sees the partner's network; the profile allows it.
            _ if self.class.moves == Moves::Never => networks.partner,
            abroad => networks.abroad[(abroad - 1) % networks.abroad.len()],
        };
        let cell = network::cell(self.region, self.cell);
        Attached { imeisv: self.imeisv, network, cell, apn: 0, rat: self.class.rat }
    }

    /// What misuse changes about module, network and place; gives the time between the sessions.
    pub(super) fn disguise(&mut self, drawn: &Drawn, at: &mut Attached, shared: &Shared<'_>) -> i64 {
        let mut gap = 5;
        if let Some(new) = drawn.module {
            let model = &self.class.tacs;
            let other = *self.foreign.get_or_insert_with(|| {
                let tac = new.tac.map_or_else(
                    || model[self.misuse.below(model.len() as u64) as usize].to_owned(),
                    |tac: Tac| tac.to_string(),
                );
                module(&tac, self.index + 700_000, 78)
            });
            at.imeisv = other;
            gap = new.gap;
        }
        at.network = drawn.network.unwrap_or(at.network);
        if drawn.roams {
            at.cell = network::cell(REGIONS + 1, self.misuse.below(CELLS));
        } else if drawn.network.is_some() {
            at.cell = network::cell(REGIONS + 2, u64::from(self.index));
        }
        at.rat = drawn.rat.unwrap_or(at.rat);
        if let Some(name) = &drawn.apn {
            at.apn = shared.apns.iter().position(|known| known == name).unwrap_or(0) as u16;
        }
        gap
    }
}
