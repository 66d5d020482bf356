//! What the responder measures of itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fleetward_fleet::ResponseState;
use fleetward_fleet::metric::Sample;

use crate::dac::Dac;

/// Count, sum and maximum of durations.
#[derive(Debug, Default)]
pub(crate) struct Times {
    count: AtomicU64,
    sum_ms: AtomicU64,
    max_ms: AtomicU64,
}

impl Times {
    pub(crate) fn add(&self, took: Duration) {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_ms.fetch_add(ms, Ordering::Relaxed);
        self.max_ms.fetch_max(ms, Ordering::Relaxed);
    }

    fn samples(&self, names: [(&'static str, &'static str); 3], out: &mut Vec<Sample>) {
        let seconds = |ms: &AtomicU64| Duration::from_millis(ms.load(Ordering::Relaxed)).as_secs_f64();
        let [(count, count_help), (sum, sum_help), (max, max_help)] = names;
        out.push(Sample::counter(count, count_help, self.count.load(Ordering::Relaxed)));
        let sum = Sample { value: seconds(&self.sum_ms), ..Sample::counter(sum, sum_help, 0) };
        out.push(sum);
        out.push(Sample::gauge(max, max_help, seconds(&self.max_ms)));
    }
}

/// All counters.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// From the finding's `observed_at` to the Disconnect- or CoA-Request on the wire.
    pub(crate) to_sent: Times,
    /// From there to the observed end of the session.
    pub(crate) to_verified: Times,
    pub(crate) store_retries: AtomicU64,
    pub(crate) dropped_proposals: AtomicU64,
    pub(crate) unfinished: AtomicU64,
    entered: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
}

impl Metrics {
    pub(crate) fn entered(&self, action: &'static str, state: ResponseState) {
        let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        *entered.entry((action, state_name(state))).or_default() += 1;
    }

    pub(crate) fn samples(&self, dac: &Dac) -> Vec<Sample> {
        let mut out = Vec::new();
        {
            let entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
            let help = "Responses that entered a state.";
            out.extend(entered.iter().map(|((action, state), count)| {
                Sample::counter("fleetward_responses_total", help, *count).with("action", *action).with("state", *state)
            }));
        }
        self.to_sent.samples(TO_SENT, &mut out);
        self.to_verified.samples(TO_VERIFIED, &mut out);
        #[expect(clippy::cast_precision_loss, reason = "Prometheus values are doubles")]
        let unfinished = self.unfinished.load(Ordering::Relaxed) as f64;
        out.push(Sample::gauge("fleetward_responses_unfinished", "Responses in no final state.", unfinished));
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = dac.counters();
        for (name, help, value) in [
            (
                "fleetward_response_store_retries_total",
                "Times that the store did not take a response's step.",
                load(&self.store_retries),
            ),
            (
                "fleetward_response_proposals_dropped_total",
                "Proposals not kept because too many waited.",
                load(&self.dropped_proposals),
            ),
            (
                "fleetward_dac_datagrams_total",
                "Disconnect- and CoA-Requests sent, retransmissions included.",
                load(&counters.sent),
            ),
            (
                "fleetward_dac_retransmits_total",
                "Disconnect- and CoA-Requests sent again.",
                load(&counters.retransmitted),
            ),
            ("fleetward_dac_acks_total", "Disconnect- and CoA-ACKs.", load(&counters.acks)),
            ("fleetward_dac_naks_total", "Disconnect- and CoA-NAKs.", load(&counters.naks)),
            ("fleetward_dac_timeouts_total", "Requests that no NAS answered.", load(&counters.timeouts)),
            ("fleetward_dac_ignored_total", "Datagrams that were no true answer.", load(&counters.ignored)),
            ("fleetward_dac_queued_total", "Requests that waited for a free identifier.", load(&counters.queued)),
        ] {
            out.push(Sample::counter(name, help, value));
        }
        out
    }
}

pub(crate) fn state_name(state: ResponseState) -> &'static str {
    match state {
        ResponseState::Proposed => "proposed",
        ResponseState::Approved => "approved",
        ResponseState::Sent => "sent",
        ResponseState::Accepted => "accepted",
        ResponseState::Verified => "verified",
        ResponseState::Failed => "failed",
        ResponseState::Reverted => "reverted",
    }
}

const TO_SENT: [(&str, &str); 3] = [
    ("fleetward_time_to_stop_seconds_count", "Disconnects and CoAs that a rule sent."),
    ("fleetward_time_to_stop_seconds_sum", "From the observation of the misuse to the request on the wire, summed up."),
    ("fleetward_time_to_stop_seconds_max", "The longest of them since the start."),
];
const TO_VERIFIED: [(&str, &str); 3] = [
    ("fleetward_time_to_verify_seconds_count", "Disconnects and CoAs of a rule whose effect was observed."),
    (
        "fleetward_time_to_verify_seconds_sum",
        "From the observation of the misuse to the session's observed end, summed up.",
    ),
    ("fleetward_time_to_verify_seconds_max", "The longest of them since the start."),
];
