//! Threads for what takes its time: one a channel, and one that changes the inventory.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use fleetward_fleet::{DeviceId, DeviceState, ResponseId, SessionKey};

use super::Hooks;
use crate::channel::{Channel, Notification, Undelivered};
use crate::dac::Clock;
use crate::machine::{Input, Outcome};

/// A message for a channel.
pub(super) struct Delivery {
    pub(super) id: ResponseId,
    pub(super) attempt: u32,
    pub(super) notification: Notification,
}

/// Something for the inventory or the journal.
pub(super) enum Task {
    Change { id: ResponseId, attempt: u32, device: DeviceId, state: DeviceState },
    Isolate { id: ResponseId, attempt: u32, device: DeviceId, cut: bool },
    Vanish(SessionKey),
}

/// One thread and one bounded queue a channel. The threads end when the queues' senders are dropped.
pub(super) fn channel_workers(
    channels: &HashMap<Box<str>, Arc<Channel>>,
    inside: &Sender<Input>,
    clock: &Clock,
) -> io::Result<HashMap<Box<str>, Sender<Delivery>>> {
    let mut queues = HashMap::new();
    for (name, channel) in channels {
        let (queue, deliveries) = bounded(QUEUE);
        let (channel, inside, clock) = (Arc::clone(channel), inside.clone(), Arc::clone(clock));
        let run = move || deliver(&channel, &deliveries, &inside, &clock);
        thread::Builder::new().name(format!("channel-{name}")).spawn(run)?;
        queues.insert(name.clone(), queue);
    }
    Ok(queues)
}

fn deliver(channel: &Channel, deliveries: &Receiver<Delivery>, inside: &Sender<Input>, clock: &Clock) {
    for Delivery { id, attempt, notification } in deliveries {
        let outcome = match channel.deliver(&notification, clock()) {
            Ok(note) => Outcome::Done(note),
            Err(Undelivered::Later(why)) => Outcome::Retry(why),
            Err(Undelivered::Never(why)) => Outcome::Refused(why),
        };
        if inside.send(Input::Channel { id, attempt, outcome }).is_err() {
            return;
        }
    }
}

/// The thread that changes the inventory. It ends when the sender is dropped.
pub(super) fn inventory_worker(hooks: Arc<dyn Hooks>, inside: &Sender<Input>) -> io::Result<Sender<Task>> {
    let (tasks, queue) = unbounded(); // bounded by the budgets and by what people ask for
    let inside = inside.clone();
    let run = move || {
        for task in queue {
            match task {
                Task::Isolate { id, attempt, device, cut } => {
                    let outcome = hooks.isolate(device, cut);
                    if inside.send(Input::DeviceAnswer { id, attempt, outcome }).is_err() {
                        return;
                    }
                }
                Task::Vanish(session) => hooks.vanish(&session),
                Task::Change { id, attempt, device, state } => {
                    let outcome = hooks.change_device(device, state, &format!("response:{id}"));
                    if inside.send(Input::DeviceAnswer { id, attempt, outcome }).is_err() {
                        return;
                    }
                }
            }
        }
    };
    thread::Builder::new().name("responder-hands".into()).spawn(run)?;
    Ok(tasks)
}

/// Messages that may wait for one channel; what does not fit is tried again later.
const QUEUE: usize = 1024;
