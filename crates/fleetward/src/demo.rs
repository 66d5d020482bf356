//! The demo: a real server, a simulated fleet, misuse whose truth is known, and a summary that is computed from both.
//!
//! Nothing here is staged: the gateways send RADIUS over UDP on loopback, the server is the one of `serve`, and the
//! scorer knows what was injected but has no part in finding it.

mod load;
mod scene;
mod score;
mod site;
mod teller;

use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::RecvTimeoutError;
use fleetward_testkit::story::{Event as StoryEvent, Story};

use crate::command::demo::Demo;
use crate::exit::Exit;
use crate::printer::write_line;
use crate::server::{Event, Server, signals};
use crate::{clock, server};
use scene::Scene;
use score::Score;
use site::Site;
use teller::Teller;

/// Time goes by faster here than in a fleet, so ticks come more often.
const TICK_EVERY: Duration = Duration::from_secs(1);

/// Runs until the time is over or somebody interrupts; prints the summary either way.
pub(crate) fn run(demo: &Demo) -> anyhow::Result<Exit> {
    server::log::start(&scene::quiet_log());
    let interrupted = signals()?;
    let gateways = scene::gateways()?;
    let fleet = scene::fleet(demo);
    let mut story = Story::bind(scene::script(demo, &fleet), fleet, &gateways, clock::shared())
        .context("the simulated gateways cannot open their sockets on 127.0.0.0/8")?;
    let scene = Scene::build(&mut story, &gateways, demo)?;
    let server = Server::start(&scene.settings()?, TICK_EVERY)?;
    scene.furnish(&server, demo)?;
    let site = Site::start(scene.folder(), demo.length, demo.seed)?;

    let (tell, told) = crossbeam_channel::unbounded();
    server.events.watch(Box::new(move |event: &Event| drop(tell.send(event.clone()))));
    let teller = Teller::start(demo, &server.addresses, &Scene::token(&server)?)?;
    let background = load::start(demo, &scene, &server.addresses)?;
    let at = &server.addresses;
    let playing = story.start(at.authentication[0], at.accounting[0]).context("the story cannot start")?;
    let mut score = Score::new(scene.devices());
    let mut told_of_site = false;

    let end = demo.length.map(|length| Instant::now() + length);
    while !interrupted.is_set() && end.is_none_or(|end| Instant::now() < end) {
        match playing.events.recv_timeout(Duration::from_millis(50)) {
            Ok(event) => follow(&event, &mut score, &teller),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        for event in told.try_iter() {
            score.heard(&event);
            teller.heard(&event, &score);
        }
        if !told_of_site && clock::now() >= site.infected.1 {
            told_of_site = true;
            score.taken_over(&site.infected.0, site.infected.1);
            teller.taken_over(&site.infected.0);
        }
        teller.progress(&score);
    }
    let truth = playing.stop().context("the story ended with an error")?;
    // What is under way when the curtain falls may still arrive.
    std::thread::sleep(Duration::from_millis(300));
    told.try_iter().for_each(|event| score.heard(&event));
    let load = background.finish();
    site.stop();
    teller.end();
    let summary = score.summary(&truth, load.as_ref(), clock::now());
    server.stop();
    if demo.json {
        write_line(&serde_json::to_string(&summary)?)?;
    } else {
        write_line(&summary.to_string())?;
    }
    Ok(Exit::Done)
}

fn follow(event: &StoryEvent, score: &mut Score, teller: &Teller) {
    score.saw(event);
    teller.saw(event, score);
}
