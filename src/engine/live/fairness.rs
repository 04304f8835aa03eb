//! How many frames a second one session can have, with the others as they are.

/// What another session asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Claim {
    /// Frames a second.
    pub(super) fps: f64,
    /// Seconds of the device that each frame takes.
    pub(super) seconds_per_frame: f64,
}

/// Most frames a second that a session with frames of this cost gets, however many it asks for.
///
/// Max-min fairness, as serving by turns brings about: all sessions have equal rates, except that
/// who asks for less gets just that, and what it leaves is shared by the others.
pub(super) fn fair_share(seconds_per_frame: f64, mut others: Vec<Claim>) -> f64 {
    others.sort_by(|a, b| a.fps.total_cmp(&b.fps));
    let mut device = 1.0;
    let mut cost: f64 = seconds_per_frame + others.iter().map(|o| o.seconds_per_frame).sum::<f64>();
    for claim in others {
        if claim.fps >= device / cost {
            break;
        }
        device -= claim.fps * claim.seconds_per_frame;
        cost -= claim.seconds_per_frame;
    }
    device / cost
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share beside others, when the device can do 60 frames a second.
    fn share(others: &[f64]) -> f64 {
        let claim = |fps: &f64| Claim { fps: *fps, seconds_per_frame: 1.0 / 60.0 };
        fair_share(1.0 / 60.0, others.iter().map(claim).collect())
    }

    #[track_caller]
    fn assert_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn alone_a_session_has_all_there_is() {
        assert_near(share(&[]), 60.0);
    }

    #[test]
    fn the_modest_keep_what_they_ask_for_and_the_rest_is_shared() {
        assert_near(share(&[5.0; 9]), 15.0);
        assert_near(share(&[60.0, 5.0, 5.0, 5.0]), 22.5);
    }

    #[test]
    fn the_greedy_share_evenly() {
        assert_near(share(&[30.0, 60.0]), 20.0);
        assert_near(share(&[1000.0; 5]), 10.0);
    }

    #[test]
    fn dear_frames_of_another_pipeline_take_more_of_the_device() {
        let dear = Claim { fps: 100.0, seconds_per_frame: 2.0 / 60.0 };
        assert_near(fair_share(1.0 / 60.0, vec![dear]), 20.0);
    }
}
