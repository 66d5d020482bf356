//! How gently: a host's rate of connections and attempts, and when to leave it alone. Time is passed in.

use std::time::Duration;

/// How much a host is asked of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Temperament {
    /// For fragile devices: at most 20 connections or packets a second and host, two connections at once.
    #[default]
    Gentle,
    /// For what stands on a desk: begins with a few questions and asks more as long as the answers keep up and take no
    /// longer, as TCP does; at most 100,000 a second.
    Normal,
    /// For what was built for it: the same without a limit, and without regard for a device that slows down.
    Fast,
}

impl Temperament {
    /// Packets (or connections) a second to one host at most, connections open at once to one host, time to wait for
    /// an answer, and what the search for open ports adds.
    pub fn limits(self) -> Limits {
        let millis = Duration::from_millis;
        match self {
            Self::Gentle => Limits {
                per_second: 20,
                at_once: 2,
                patience: Duration::from_secs(5),
                shortest_wait: millis(1_000),
                unanswered: 20,
                knocks: 2,
                eases: true,
            },
            Self::Normal => Limits {
                per_second: 100_000,
                at_once: 16,
                patience: Duration::from_secs(3),
                shortest_wait: millis(300),
                unanswered: 30_000,
                knocks: 256,
                eases: true,
            },
            Self::Fast => Limits {
                per_second: 1_000_000,
                at_once: 64,
                patience: Duration::from_secs(2),
                shortest_wait: millis(100),
                unanswered: 30_000,
                knocks: 1_024,
                eases: false,
            },
        }
    }
}

impl Limits {
    /// Between two packets to a host. Where that is long, a twentieth longer: timers wake late, and one that did must not
    /// bring a packet more into a second.
    pub fn gap(self) -> Duration {
        let gap = Duration::from_secs(1) / self.per_second.max(1);
        if gap > Duration::from_millis(5) { gap * 21 / 20 } else { gap }
    }
}

/// See [`Temperament::limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A second and host.
    pub per_second: u32,
    /// At once and host.
    pub at_once: u32,
    /// For one answer.
    pub patience: Duration,
    /// An answer of a port is waited for at least so long, however fast the host was until now.
    pub shortest_wait: Duration,
    /// Raw SYN: packets without an answer at once and host.
    pub unanswered: u32,
    /// Connect: sockets at once and host while ports are searched.
    pub knocks: u32,
    /// Whether a device that takes longer and longer is asked more slowly.
    pub eases: bool,
}
