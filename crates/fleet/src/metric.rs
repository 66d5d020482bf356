//! What a component measures of itself, in a form that `/metrics` can render.

/// How a sample behaves over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from zero at start.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// One value of one metric at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Prometheus name with unit suffix, for example `fleetward_radius_requests_total`.
    pub name: &'static str,
    /// One sentence, shown as `# HELP`.
    pub help: &'static str,
    /// Counter or gauge.
    pub kind: Kind,
    /// Label pairs; values are escaped by the renderer.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: f64,
}

impl Sample {
    /// A counter without labels.
    pub fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "Prometheus values are doubles")]
        Self { name, help, kind: Kind::Counter, labels: Vec::new(), value: value as f64 }
    }

    /// A gauge without labels.
    pub fn gauge(name: &'static str, help: &'static str, value: f64) -> Self {
        Self { name, help, kind: Kind::Gauge, labels: Vec::new(), value }
    }

    /// The same with one more label.
    #[must_use]
    pub fn with(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.labels.push((label, value.into()));
        self
    }
}
