//! Tells the story on the terminal: what is done to the fleet, what is found, what is stopped.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use fleetward_fleet::{Action, Response, ResponseState};
use fleetward_testkit::story::{Event as StoryEvent, Injection, Scene};
use indicatif::{ProgressBar, ProgressStyle};

use super::score::Score;
use crate::command::demo::Demo;
use crate::server::{Addresses, Event};

/// Writes lines above a progress line.
pub(super) struct Teller {
    began: Instant,
    length: Option<Duration>,
    bar: ProgressBar,
    colour: bool,
    /// To standard error, so that standard output has nothing but the summary.
    to_stderr: bool,
}

impl Teller {
    /// Opens with where everything is.
    pub(super) fn start(demo: &Demo, at: &Addresses, token: &str) -> anyhow::Result<Self> {
        let bar = match demo.length {
            Some(length) => ProgressBar::new(length.as_secs()),
            None => ProgressBar::new_spinner(),
        };
        let template =
            if demo.length.is_some() { "{wide_bar} {pos:>3}/{len} s  {msg}" } else { "{spinner} {elapsed}  {msg}" };
        bar.set_style(ProgressStyle::with_template(template)?);
        let terminal = if demo.json { std::io::stderr().is_terminal() } else { std::io::stdout().is_terminal() };
        let colour = terminal && std::env::var_os("NO_COLOR").is_none();
        let teller = Self { began: Instant::now(), length: demo.length, bar, colour, to_stderr: demo.json };
        teller.write(&format!(
            "Fleetward demo: {} SIMs of five models behind three gateways, real RADIUS on loopback; five doorbells seen by their packets (seed {}).\n\
             API    {}/api/v1/findings   (documentation: {}/api/docs)\n",
            demo.sims, demo.seed, at.api, at.api
        ));
        teller.write(&format!("token  {token}   (this demo only)\n"));
        teller.write("\n");
        Ok(teller)
    }

    /// What really happens.
    pub(super) fn saw(&self, event: &StoryEvent, score: &Score) {
        match event {
            StoryEvent::Injected(injection) => {
                self.line("attack", "33", &injection.device, injection.misuse.describe());
            }
            StoryEvent::Rejected(scene) if scene.injection.is_some() => {
                self.line("refused", "32", &scene.device, "not admitted; the gateway is not told why");
            }
            StoryEvent::Disconnected(scene) => self.line("cut", "36", &scene.device, &at_gateway(scene)),
            StoryEvent::Ended(injection) => self.ended(injection),
            // The first sessions, so that one sees them come; later ones are in the progress line.
            StoryEvent::Opened(scene) if score.sessions <= 5 => {
                self.line("session", "90", &scene.device, &at_gateway(scene));
            }
            StoryEvent::Disturbed(_, nuisance, device) => {
                self.line("oddity", "90", device.as_deref().unwrap_or("a gateway"), &format!("{nuisance:?}, harmless"));
            }
            _ => {}
        }
    }

    /// A device of the site is taken over.
    pub(super) fn taken_over(&self, device: &str) {
        self.line(
            "attack",
            "33",
            device,
            "taken over: it reports to a master, searches others for Telnet, then floods somebody",
        );
    }

    /// What the server says.
    pub(super) fn heard(&self, event: &Event, score: &Score) {
        match event {
            Event::Finding(finding) => {
                let text = format!(
                    "{} ({:?}): expected {}; observed {}",
                    finding.rule, finding.severity, finding.expected, finding.observed
                );
                self.line("FOUND", "31;1", score.name(finding.device).unwrap_or(&finding.subject), &text);
            }
            Event::Response(response) => self.response(response, score),
            Event::Excused(excused) => {
                let text =
                    format!("{} would have spoken; planned change {} had announced it", excused.rule, excused.change);
                self.line("expected", "32", &excused.subject, &text);
            }
            Event::Cleared(..) | Event::SessionOpened(_) | Event::SessionEnded(_) => {}
        }
    }

    /// The line at the bottom.
    pub(super) fn progress(&self, score: &Score) {
        if self.length.is_some() {
            self.bar.set_position(self.began.elapsed().as_secs());
        } else {
            self.bar.tick();
        }
        self.bar.set_message(format!("{} sessions open, {} findings", score.open.max(0), score.findings));
    }

    /// Takes the bottom line away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn response(&self, response: &Response, score: &Score) {
        let name = score.name(response.device).unwrap_or("?");
        let note = response.history.last().map_or("", |step| step.note.as_str());
        match (&response.action, response.state) {
            (Action::Disconnect { .. }, ResponseState::Verified) => self.line("verified", "32;1", name, note),
            (Action::SuspendSim, ResponseState::Verified) => self.line("suspended", "32", name, note),
            (_, ResponseState::Proposed) => {
                self.line("asks", "35", name, &format!("{}: {note}", response.action.name()));
            }
            (_, ResponseState::Failed) => {
                self.line("FAILED", "31;1", name, &format!("{}: {note}", response.action.name()));
            }
            _ => {}
        }
    }

    fn ended(&self, injection: &Injection) {
        if let (true, Some(time)) = (injection.disconnected, injection.to_stop) {
            let text = format!("{:.1} ms from the packet that showed it to the Disconnect", time.as_secs_f64() * 1e3);
            self.line("stopped", "32", &injection.device, &text);
        }
    }

    fn line(&self, what: &str, colour: &str, device: &str, text: &str) {
        let seconds = self.began.elapsed().as_secs_f64();
        let what = if self.colour { format!("\x1b[{colour}m{what:<9}\x1b[0m") } else { format!("{what:<9}") };
        self.write(&format!("{seconds:6.2} s  {what}  {device:<16}  {text}\n"));
    }

    fn write(&self, text: &str) {
        // A terminal that went away does not stop the demo.
        self.bar.suspend(|| {
            drop(if self.to_stderr {
                std::io::stderr().write_all(text.as_bytes())
            } else {
                std::io::stdout().write_all(text.as_bytes())
            });
        });
    }
}

fn at_gateway(scene: &Scene) -> String {
    format!("session {} at {}", scene.session_id, scene.nas)
}
