//! What was injected: the ground truth that findings are held against.

use std::time::Duration;

use fleetward_fleet::{Imsi, Timestamp};

/// A kind of misuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Misuse {
    /// During a session an interim reports a module of another type (the SIM is in a router now).
    OtherModule,
    /// During a session an interim reports a serving network in a country that the profile does not list.
    ForeignCountry,
    /// A device that should send little streams video at a few Mbit/s.
    Video,
    /// A SIM in stock begins to talk through the legacy gateway, which asks nobody.
    StockTalks,
    /// A second session of a SIM through the legacy gateway, while its first goes on.
    Clone,
    /// During a session an interim reports another module of the same type.
    SwappedModule,
    /// The SIM attaches in a module of another type.
    OtherModuleAttaches,
    /// The SIM attaches in a country that the profile does not list.
    ForeignAttaches,
    /// A SIM in stock attaches through a gateway that asks.
    StockAttaches,
    /// A second session is asked for while the first goes on.
    CloneAttaches,
}

impl Misuse {
    /// All kinds; those that a running session shows first.
    pub const ALL: [Self; 10] = [
        Self::OtherModule,
        Self::ForeignCountry,
        Self::Video,
        Self::StockTalks,
        Self::Clone,
        Self::SwappedModule,
        Self::OtherModuleAttaches,
        Self::ForeignAttaches,
        Self::StockAttaches,
        Self::CloneAttaches,
    ];

    /// For people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::OtherModule => "SIM moved into a module of another type",
            Self::ForeignCountry => "SIM in a country where it should not be",
            Self::Video => "SIM streams video",
            Self::StockTalks => "SIM in stock talks",
            Self::Clone => "second session of a SIM (clone)",
            Self::SwappedModule => "SIM moved into another module of the same type",
            Self::OtherModuleAttaches => "SIM attaches in a module of another type",
            Self::ForeignAttaches => "SIM attaches in a country where it should not be",
            Self::StockAttaches => "SIM in stock attaches",
            Self::CloneAttaches => "SIM attaches a second time (clone)",
        }
    }

    /// Whether the misuse begins with a request that a server should refuse.
    pub fn asks(self) -> bool {
        matches!(self, Self::OtherModuleAttaches | Self::ForeignAttaches | Self::StockAttaches | Self::CloneAttaches)
    }

    /// Whether it needs the gateway that asks nobody.
    pub fn needs_legacy(self) -> bool {
        matches!(self, Self::StockTalks | Self::Clone)
    }
}

/// How a misuse should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expect {
    /// The session is disconnected.
    Disconnect,
    /// The SIM is not admitted.
    Rejection,
    /// A safety-critical device: it is found, and a person decides.
    Approval,
}

/// One misuse of one device.
#[derive(Debug, Clone, PartialEq)]
pub struct Injection {
    /// Counts up from 0.
    pub id: u32,
    /// What.
    pub misuse: Misuse,
    /// The device's name.
    pub device: Box<str>,
    /// Its SIM.
    pub imsi: Imsi,
    /// How it should end.
    pub expects: Expect,
    /// When it began.
    pub at: Timestamp,
    /// When the first packet that shows it was sent (for video: that exceeded the profile's volume in an hour).
    pub shown_at: Option<Timestamp>,
    /// From that packet to the first Disconnect-Request (or Access-Reject) that the gateway received.
    pub to_stop: Option<Duration>,
    /// A Disconnect-Request arrived.
    pub disconnected: bool,
    /// An Access-Request was refused.
    pub rejected: bool,
    /// A request that should have been refused was granted.
    pub admitted: bool,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

impl Injection {
    /// Whether it ended as it should. For [`Expect::Approval`]: it showed, and nothing was disconnected.
    pub fn is_as_expected(&self) -> bool {
        match self.expects {
            Expect::Disconnect => self.disconnected,
            Expect::Rejection => self.rejected && !self.admitted,
            Expect::Approval => self.shown_at.is_some() && !self.disconnected,
        }
    }
}

/// Something unusual that is no misuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Nuisance {
    /// A record arrives a second time, with new Identifier and Acct-Delay-Time.
    Retransmit,
    /// Two interims arrive in the wrong order.
    Reorder,
    /// A session sends no interims for a while.
    Gap,
    /// A device moves into another network that its profile allows.
    Roaming,
    /// Much traffic, but well within the profile.
    Burst,
    /// The module's software version changes (last digits of the IMEISV).
    SoftwareUpdate,
    /// A gateway reboots: Accounting-Off and -On, its sessions end without Stops and come back.
    Reboot,
    /// The device of [`super::Script::announced`] is in a foreign network for one report, as somebody announced beforehand.
    AnnouncedMove,
}

impl Nuisance {
    /// All kinds that need no preparation.
    pub const ALL: [Self; 7] =
        [Self::Retransmit, Self::Reorder, Self::Roaming, Self::Gap, Self::Burst, Self::SoftwareUpdate, Self::Reboot];
}

/// What really happened.
#[derive(Debug, Default, Clone)]
pub struct Truth {
    /// All misuses, by id.
    pub injections: Vec<Injection>,
    /// Nuisances, in order.
    pub nuisances: Vec<(Timestamp, Nuisance)>,
    /// Sessions opened.
    pub opened: u64,
    /// Sessions closed with an acknowledged Stop.
    pub closed: u64,
    /// Access-Rejects of devices that were not misused.
    pub wrongly_rejected: u64,
    /// Disconnects of devices that were not misused.
    pub wrongly_disconnected: u64,
    /// Access-Requests that nobody answered.
    pub unanswered: u64,
    /// Accounting records acknowledged.
    pub acknowledged: u64,
    /// Of all gateways.
    pub retransmits: u64,
    /// Of all gateways: datagrams that were not proven.
    pub bad_answers: u64,
}
