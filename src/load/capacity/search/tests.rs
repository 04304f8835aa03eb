use super::*;

/// Searches with trials that fit as `fits` says, given the number of sessions and how often it was tried
/// before. Returns what was found and which numbers were tried.
fn search(
    upper_bound: usize,
    fits: impl Fn(usize, usize) -> bool,
) -> ((usize, Boundary), Vec<usize>) {
    let mut search = CapacitySearch::new(upper_bound);
    let mut tried = Vec::new();
    while let Some(sessions) = search.next() {
        assert!((1..=upper_bound).contains(&sessions), "{sessions}");
        assert!(tried.len() < 3 * upper_bound, "it ends: {tried:?}");
        let before = tried.iter().filter(|number| **number == sessions).count();
        assert!(before < 3, "a third trial decides: {tried:?}");
        search.record(sessions, fits(sessions, before));
        tried.push(sessions);
    }
    (search.found(), tried)
}

#[test]
fn every_capacity_is_found_in_few_trials() {
    for capacity in 1..256 {
        let (found, tried) = search(256, |sessions, _| sessions <= capacity);
        assert_eq!(found, (capacity, Boundary::Found));
        let confirmed = |number| tried.iter().filter(|tried| **tried == number).count() == 2;
        assert!(confirmed(capacity) && confirmed(capacity + 1), "{tried:?}");
        assert!(tried.len() <= 2 * 9 + 2, "{tried:?}");
    }
}

#[test]
fn it_grows_bisects_and_confirms() {
    let (_, tried) = search(100, |sessions, _| sessions <= 11);
    assert_eq!(tried, [1, 2, 4, 8, 16, 12, 10, 11, 12, 11]);
}

#[test]
fn nothing_fits_only_if_one_session_fails_twice() {
    assert_eq!(search(9, |_, _| false), ((0, Boundary::NothingFits), vec![1, 1]));
    let (found, _) = search(9, |sessions, before| sessions == 1 && before > 0);
    assert_eq!(found, (1, Boundary::Found));
}

#[test]
fn the_upper_bound_is_reported_and_never_exceeded() {
    let (found, tried) = search(13, |_, _| true);
    assert_eq!(found, (13, Boundary::UpperBound));
    assert_eq!(tried, [1, 2, 4, 8, 13, 13]);
    assert_eq!(search(1, |_, _| true), ((1, Boundary::UpperBound), vec![1, 1]));
}

#[test]
fn one_hiccup_changes_nothing_wherever_it_strikes() {
    for capacity in [1, 2, 3, 7, 8, 11, 20] {
        for victim in 1..=capacity {
            // The first trial of this number fails although it fits.
            let (found, tried) = search(64, |sessions, before| {
                sessions <= capacity && (sessions != victim || before > 0)
            });
            assert_eq!(found, (capacity, Boundary::Found), "{victim} of {capacity}: {tried:?}");
        }
    }
}

#[test]
fn one_lucky_trial_changes_nothing_either() {
    for capacity in [1, 3, 8, 11] {
        let (found, tried) = search(64, |sessions, before| {
            sessions <= capacity || (sessions == capacity + 1 && before == 0)
        });
        assert_eq!(found, (capacity, Boundary::Found), "{tried:?}");
    }
}

#[test]
fn a_noisy_boundary_ends_within_the_noise() {
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..200 {
        let coins: Vec<bool> = (0..1000).map(|_| random.bool()).collect();
        let (found, _) = search(128, |sessions, before| match sessions {
            ..40 => true,
            40..=44 => coins[sessions * 3 + before],
            _ => false,
        });
        assert_eq!(found.1, Boundary::Found);
        assert!((39..=44).contains(&found.0), "{found:?}");
    }
}
