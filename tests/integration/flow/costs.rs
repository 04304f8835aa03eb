//! Sessions whose frames cost unequally much, and many of one client: what each of them gets.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use framegate::engine::live::Client;
use framegate::front::admission::Advice;

use super::simulation::{Camera, DEFAULT, Sender, Simulation};
use super::{ms, seconds};

/// Time of a run of any size.
const RUN: Duration = Duration::from_millis(20);
/// Time from arrival to result of a small frame if nothing else is there.
const CHEAP: Duration = Duration::from_millis(20 + 2);

fn p99(sender: &Sender) -> Duration {
    let mut ages = sender.ages_since(seconds(2));
    ages.sort();
    ages[ages.len() * 99 / 100]
}

/// A session of 15 fps beside others, for a minute; its number is 0.
fn beside(workers: usize, others: &[Camera]) -> Simulation {
    let mut flow = Simulation::with_workers(workers, 4, |_, _| RUN);
    flow.join(15.0, false, DEFAULT);
    for camera in others {
        flow.join_with(*camera, false, DEFAULT);
    }
    flow.run_for(seconds(60));
    flow.assert_accounted();
    flow
}

#[track_caller]
fn assert_unharmed(flow: &Simulation, alone: Duration) {
    let session = &flow.senders[0];
    let (results, frames) = (session.ages_since(Duration::ZERO).len(), session.fates.len());
    assert!(results * 100 >= frames * 95, "{results} results of {frames} frames");
    assert!(p99(session) <= alone.mul_f64(1.1) + CHEAP, "{:?} instead of {alone:?}", p99(session));
    assert_eq!(session.advice, [], "no advice to slow down");
}

#[test]
fn the_costliest_frames_that_are_accepted_harm_no_other_session() {
    for workers in [1, 2, 4, 16] {
        let alone = p99(&beside(workers, &[]).senders[0]);
        for (senders, fps) in [(1, 1.0), (1, 30.0), (9, 1.0), (9, 5.0), (40, 1.0)] {
            let flow = beside(workers, &vec![Camera::bomb(fps); senders]);
            assert_unharmed(&flow, alone);
            let results = flow.senders[1..].iter().map(|bomb| bomb.ages_since(seconds(0)).len());
            assert!(results.sum::<usize>() > 20, "what is left is theirs");
        }
    }
}

#[test]
fn the_expensive_sender_is_the_one_that_is_warned() {
    let flow = beside(2, &[Camera::bomb(3.0); 3]);
    for bomb in &flow.senders[1..] {
        let Some((_, Advice::SlowDown { recommended_fps, .. })) = bomb.advice.last() else {
            panic!("{:?}", bomb.advice)
        };
        // One worker decodes such frames, 0.7 s each, for three.
        assert!((0.2..=1.0).contains(recommended_fps), "{recommended_fps}");
    }
    assert_eq!(flow.senders[0].advice, []);
}

#[test]
fn many_sessions_of_one_address_get_what_one_client_gets() {
    // 60 frames per second in all.
    let run = Duration::from_secs_f64(1.0 / 60.0);
    let mut flow = Simulation::with_workers(2, 1, move |_, _| run);
    flow.join(15.0, false, DEFAULT);
    let crowd = Client::Address(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)));
    for _ in 0..400 {
        let camera = Camera { client: crowd, ..Camera::small(15.0) };
        flow.join_with(camera, false, DEFAULT);
    }
    flow.run_for(seconds(120));
    flow.assert_accounted();
    let session = &flow.senders[0];
    let (results, frames) = (session.ages_since(seconds(10)).len(), 15 * 110);
    assert!(results * 100 >= frames * 95, "{results} results of {frames} frames");
    assert_eq!(session.advice, []);
    let of_crowd = flow.senders[1..].iter().map(|one| one.ages_since(seconds(10)).len());
    let of_crowd: Vec<usize> = of_crowd.collect();
    let total: usize = of_crowd.iter().sum();
    // 45 frames per second are left, 12 frames each.
    assert!((40 * 110..=50 * 110).contains(&total), "{total}");
    assert!(of_crowd.iter().all(|one| (6..=18).contains(one)), "{of_crowd:?}");
}

#[test]
fn frames_that_fail_cost_others_nothing() {
    let alone = p99(&beside(2, &[]).senders[0]);
    let broken = Camera { fails: true, decode: Duration::from_micros(20), ..Camera::small(15.0) };
    let flow = beside(2, &[broken; 400]);
    assert_unharmed(&flow, alone);
    let before = flow.sustainable_fps(0);
    assert!(before > 30.0, "they do not count as load on the device: {before}");
}

#[test]
fn a_lasting_change_of_cost_is_followed() {
    let mut flow = Simulation::with_workers(2, 4, |_, _| RUN);
    let sender = flow.join(15.0, false, DEFAULT);
    flow.run_for(seconds(5));
    assert!(
        (45.0..=50.0).contains(&flow.sustainable_fps(sender)),
        "{}",
        flow.sustainable_fps(sender)
    );
    // Frames that look the same take ten times as long.
    flow.set_decode(sender, ms(100));
    flow.run_for(seconds(2));
    assert!(
        (9.0..=10.0).contains(&flow.sustainable_fps(sender)),
        "{}",
        flow.sustainable_fps(sender)
    );
    flow.set_decode(sender, ms(2));
    flow.run_for(seconds(2));
    assert!(flow.sustainable_fps(sender) > 45.0, "{}", flow.sustainable_fps(sender));
}
