//! One session's two cumulative counters.

use ipnet::Ipv6Net;
use serde::{Deserialize, Serialize};

/// Octets up and down as the NAS counts them, and what they sum to.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// The NAS's values that were counted last: the highest since the last wrap.
    up: u64,
    down: u64,
    /// Packets up and down, where the NAS counts them.
    packets: [u32; 2],
    rare: Option<Box<Rare>>,
}

/// What few sessions have, behind one pointer.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Rare {
    wrapped: Option<Box<Wrapped>>,
    ipv6: Option<Ipv6Net>,
}

/// What was counted before the last wrap; `None` where that direction never wrapped.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Wrapped {
    up: Option<u64>,
    down: Option<u64>,
}

/// What a record added.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delta {
    pub(crate) up: u64,
    pub(crate) down: u64,
    /// Packets up and down; a lower bound where their counter wrapped.
    pub(crate) packets: [u32; 2],
    /// At least one direction went down without Gigawords.
    pub(crate) wrapped: bool,
}

impl Delta {
    pub(crate) fn is_zero(self) -> bool {
        self.up == 0 && self.down == 0 && !self.wrapped
    }
}

impl Counters {
    /// Counts a record's cumulative values. `advanced`: its event time is after that of every record so far;
    /// only then can a lower value be a wrap instead of an old record.
    pub(crate) fn count(&mut self, up: u64, down: u64, has_gigawords: bool, advanced: bool) -> Delta {
        let mut before = self.before();
        let (up, up_wrap) = count(&mut self.up, &mut before.up, up, has_gigawords, advanced);
        let (down, down_wrap) = count(&mut self.down, &mut before.down, down, has_gigawords, advanced);
        if up_wrap || down_wrap {
            self.rare.get_or_insert_default().wrapped = Some(Box::new(before));
        }
        Delta { up, down, packets: [0; 2], wrapped: up_wrap || down_wrap }
    }

    /// Counts a record's cumulative packets, where it states them. A lower value of an advanced record is a wrap: what
    /// happened around it is unknown and not added.
    pub(crate) fn count_packets(&mut self, stated: [Option<u32>; 2], advanced: bool) -> [u32; 2] {
        let mut added = [0; 2];
        for ((held, stated), added) in self.packets.iter_mut().zip(stated).zip(&mut added) {
            let Some(stated) = stated else { continue };
            *added = stated.saturating_sub(*held);
            *held = if advanced { stated } else { stated.max(*held) };
        }
        added
    }

    /// Octets up since the session's start, as far as they are certain.
    pub(crate) fn up(&self) -> u64 {
        self.before().up.unwrap_or(0).saturating_add(self.up)
    }

    /// Octets down since the session's start, as far as they are certain.
    pub(crate) fn down(&self) -> u64 {
        self.before().down.unwrap_or(0).saturating_add(self.down)
    }

    /// What the NAS last said was more, in at least one direction.
    pub(crate) fn is_above(&self, up: u64, down: u64) -> bool {
        self.up > up || self.down > down
    }

    /// A wrap was seen, so the sums are lower bounds.
    pub(crate) fn wrapped(&self) -> bool {
        self.wraps().is_some()
    }

    /// Takes over what an ended session had counted.
    pub(crate) fn go_on_from(&mut self, ended: Self) {
        let ipv6 = self.ipv6();
        *self = ended;
        if let Some(ipv6) = ipv6 {
            self.set_ipv6(ipv6);
        }
    }

    /// Without what is of no use once the session is over.
    pub(crate) fn of_ended(mut self) -> Self {
        self.rare = self.rare.filter(|rare| rare.wrapped.is_some());
        if let Some(rare) = &mut self.rare {
            rare.ipv6 = None;
        }
        self
    }

    /// The session's IPv6 prefix: no counter, but as rare as a wrap.
    pub(crate) fn ipv6(&self) -> Option<Ipv6Net> {
        self.rare.as_ref()?.ipv6
    }

    /// Takes over a prefix.
    pub(crate) fn set_ipv6(&mut self, ipv6: Ipv6Net) {
        self.rare.get_or_insert_default().ipv6 = Some(ipv6);
    }

    fn before(&self) -> Wrapped {
        self.wraps().copied().unwrap_or_default()
    }

    fn wraps(&self) -> Option<&Wrapped> {
        self.rare.as_ref()?.wrapped.as_deref()
    }
}

/// One direction: what the value adds, and whether it wrapped.
fn count(raw: &mut u64, before: &mut Option<u64>, value: u64, has_gigawords: bool, advanced: bool) -> (u64, bool) {
    if value < *raw && advanced && !has_gigawords {
        // Go on from the new value; what happened around the wrap is unknown and not added.
        *before = Some(before.unwrap_or(0).saturating_add(*raw).saturating_sub(value));
        *raw = value;
        return (0, true);
    }
    if before.is_some() && !advanced {
        // After a wrap an old record can be from either side of it.
        return (0, false);
    }
    let delta = value.saturating_sub(*raw);
    *raw = (*raw).max(value);
    (delta, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stays_until_the_session_ends_and_a_wrap_beyond_it() {
        let prefix: Ipv6Net = "2001:db8:1::/64".parse().unwrap();
        let mut counters = Counters::default();
        counters.set_ipv6(prefix);
        counters.count(500, 100, false, true);
        assert!(counters.clone().of_ended().rare.is_none() && !counters.wrapped());
        counters.count(20, 100, false, true);
        assert_eq!((counters.ipv6(), counters.wrapped()), (Some(prefix), true));
        let ended = counters.of_ended();
        assert_eq!((ended.ipv6(), ended.wrapped(), ended.up()), (None, true, 500));
        let mut again = Counters::default();
        again.set_ipv6(prefix);
        again.go_on_from(ended);
        assert_eq!((again.ipv6(), again.up(), again.down()), (Some(prefix), 500, 100));
    }

    #[test]
    fn packets_add_up_and_a_wrap_or_an_old_record_adds_nothing() {
        let mut counters = Counters::default();
        assert_eq!(counters.count_packets([Some(100), Some(50)], true), [100, 50]);
        assert_eq!(counters.count_packets([Some(130), None], true), [30, 0]);
        assert_eq!(counters.count_packets([Some(110), Some(40)], false), [0, 0], "an old record");
        assert_eq!(counters.count_packets([Some(150), Some(50)], true), [20, 0]);
        assert_eq!(counters.count_packets([Some(7), Some(60)], true), [0, 10], "a wrap of 32 bits");
        assert_eq!(counters.count_packets([Some(9), Some(60)], true), [2, 0]);
    }
}
