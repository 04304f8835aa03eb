"""What a session decides, without a clock and without a server."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from framegate._stream.ledger import FrameLedger
from framegate._stream.link import LinkWatch
from framegate._stream.options import Options, configure_message
from framegate._stream.rate import Backoff, Pacer, RateControl
from framegate._stream.state import SILENCE, Counts, Offered, StreamState

GREETING = {"session": {"session_id": "s", "labels": ["person"]}}


def found(index: int, age_ms: float = 5.0) -> dict[str, Any]:
    box = {"label": "person", "class_id": 0, "score": 0.5, "x": 10.0, "y": 20.0, "w": 30.0, "h": 40.0, "track_id": 7}
    result = {"width": 640, "height": 480, "detections": [box, box | {"x": 1.0, "track_id": 8}]}
    return {"frame_index": index, "result": result, "timings_ms": {"decode": 1.0}, "age_ms": age_ms}


def opened(fps: float = 10.0) -> StreamState:
    state = StreamState(fps)
    state.heard(json.dumps(GREETING), 0.0)
    return state


def offer(state: StreamState, frame: str) -> None:
    state.offer(Offered(frame, frame.encode(), False))


def send(state: StreamState, frame: str, now: float) -> None:
    offer(state, frame)
    assert state.wait(now) == 0
    taken = state.take(now)
    assert taken.frame == frame
    state.sent(taken.frame, 100, now)


def test_only_the_newest_frame_waits() -> None:
    state = StreamState(10.0)
    for number in range(1000):
        offer(state, f"frame {number}")
    assert state.wait(0.0) is None, "there is no session yet"
    state.heard(json.dumps(GREETING), 0.0)
    assert state.wait(0.0) == 0
    assert state.take(0.0).frame == "frame 999"
    assert state.counts == Counts(offered=1000, replaced=999)


def test_results_have_their_frames() -> None:
    state = opened()
    send(state, "first", 0.0)
    send(state, "second", 0.1)
    state.heard(json.dumps(found(2)), 0.15)
    assert state.result is not None
    assert (state.result.frame, state.result.frame_index) == ("second", 2)
    assert state.result.age_ms == 5.0 and state.result.round_trip_ms == pytest.approx(50)
    detections = state.result.detections
    assert detections.xyxy.tolist() == [[10, 20, 40, 60], [1, 20, 31, 60]]
    assert detections.track_id is not None and detections.track_id.tolist() == [7, 8]
    assert detections.labels == ["person", "person"] and detections.size == (640, 480)
    state.heard('{"frame_index":1,"dropped":true,"reason":"busy"}', 0.2)
    assert state.counts == Counts(offered=2, sent=2, results=1, dropped=1)
    assert state.is_idle


def test_the_rate_follows_advice_and_climbs_back() -> None:
    state = opened(fps=30)
    assert state.rate.rate(0) == 30
    state.heard('{"warning":"slow_down","recommended_fps":7.5,"drop_rate":0.4}', 0.0)
    send(state, "one", 0.0)
    offer(state, "two")
    assert state.wait(0.0) == pytest.approx(1 / 7.5)
    assert state.wait(0.1) == pytest.approx(1 / 7.5 - 0.1)
    state.heard('{"notice":"recovered","recommended_fps":12.0}', 10.0)
    assert state.rate.rate(10.0) == 7.5
    assert state.rate.rate(12.0) == 9.5, "one frame per second more each second"
    assert state.rate.rate(14.5) == 12.0
    assert state.rate.rate(18.5) == 13.0, "slowly beyond what is known"
    assert state.rate.rate(200.0) == 30


def test_advice_below_what_is_sensible_does_not_stop_a_session() -> None:
    rate = RateControl(30)
    rate.recovered(5, 0.0)
    assert rate.rate(1.0) == 30, "it was never slowed"
    rate.slow_down(0.0)
    assert rate.rate(0.0) == 0.5
    rate.reset()
    assert rate.rate(0.0) == 30


def test_frames_are_spaced_evenly() -> None:
    pacer = Pacer()
    assert pacer.wait(0.0, 10) == 0
    pacer.taken(0.0, 10)
    assert pacer.wait(0.04, 10) == pytest.approx(0.06)
    pacer.taken(0.12, 10)
    assert pacer.wait(0.12, 10) == pytest.approx(0.08), "a timer that fired late is made up for"
    pacer.taken(5.0, 10)
    assert pacer.wait(5.0, 10) == pytest.approx(0.1), "but a pause gives no burst"


def test_attempts_come_less_and_less_often() -> None:
    backoff = Backoff()
    assert [backoff.next(0.5) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    backoff.succeeded()
    assert backoff.next(0.0) == pytest.approx(0.8) and backoff.next(1.0) == pytest.approx(2.4)
    backoff.succeeded()
    assert [backoff.next(0.5, at_once=True) for _ in range(3)] == [0, 2, 4], "at once, but only once"


def test_a_link_that_delays_frames_carries_fewer() -> None:
    link = LinkWatch()
    assert link.may_carry(2) and not link.may_carry(3)
    for _ in range(40):
        link.answered(0.02, 8)
    assert link.may_carry(10) and not link.may_carry(11)
    for _ in range(5):
        link.answered(0.5, 11)
    assert link.may_carry(1) and not link.may_carry(2)


def test_frames_under_way_are_bounded() -> None:
    state = opened(fps=1000)
    for number in range(3):
        send(state, str(number), number)
    offer(state, "too many")
    assert state.wait(10.0) is None
    state.heard(json.dumps(found(1)), 10.0)
    assert state.wait(10.0) == 0


def test_a_refused_frame_has_no_number() -> None:
    ledger = FrameLedger()
    for size in (10, 5000, 30):
        ledger.sent(f"{size} bytes", size, 0.0)
    refused = ledger.refused("Frame size (5000 bytes) exceeds limit (4000 bytes)")
    assert refused is not None and refused.frame == "5000 bytes"
    second = ledger.answered(2)
    assert second is not None and second.frame == "30 bytes"
    assert ledger.answered(2) is None and ledger.in_flight == 1


def test_what_fails_is_counted() -> None:
    state = opened()
    for number in range(3):
        send(state, str(number), number)
    state.heard('{"error":"decode_failed","detail":"cut off","frame_index":1}', 3.0)
    state.heard('{"error":"invalid_frame","detail":"Frame is empty (no data provided)"}', 3.0)
    state.ended()
    assert state.counts == Counts(offered=3, sent=3, failed=1, refused=1, lost=1)
    assert state.session is None and state.in_flight == 0
    state.heard('{"error":"invalid_pipeline","detail":"Unknown pipeline_id: nope"}', 3.0)
    assert state.refusal == "Unknown pipeline_id: nope"
    state.heard('{"notice":"something new"}', 3.0)


def test_silence_counts_from_the_frame_or_the_last_message() -> None:
    state = opened()
    assert not state.is_silent(1000.0), "nothing is under way"
    send(state, "one", 1000.0)
    assert not state.is_silent(1000.0 + SILENCE - 1) and state.is_silent(1000.0 + SILENCE)
    state.heard('{"notice":"recovered","recommended_fps":1}', 1005.0)
    assert not state.is_silent(1000.0 + SILENCE)


def test_options_become_the_address() -> None:
    options = Options(conf=0.4, classes={"person": 0.6, "2": None}, max_det=5, track=True, pipeline_id="a b")
    assert options.address("https://host") == (
        "wss://host/ws/video/stream?hello=1&pipeline_id=a+b&conf=0.4&max_det=5&classes=person%3A0.6%2C2&track=1"
    )
    assert Options(text=False).address("ws://host") == "ws://host/ws/video/stream?hello=1&text=0"
    assert Options(text=True).address("ws://host").endswith("&text=1")
    assert Options().address("ws://[::1]:8000/behind/a/proxy") == "ws://[::1]:8000/behind/a/proxy?hello=1"
    assert json.loads(configure_message({"conf": None, "classes": ["a", 1], "text": False})) == {
        "configure": {"conf": None, "classes": ["a", 1], "text": False}
    }


def test_options_may_be_numbers_of_numpy() -> None:
    options: Any = {"conf": np.float32(0.5), "max_det": np.int64(5), "text": np.True_, "classes": np.array([1, 2])}
    address = "ws://host/ws/video/stream?hello=1&conf=0.5&max_det=5&classes=1%2C2&text=1"
    assert Options(**options).address("ws://host") == address
    assert json.loads(configure_message(options)) == {
        "configure": {"conf": 0.5, "max_det": 5, "text": True, "classes": [1, 2]}
    }
    mapping: Any = {np.int64(1): np.float32(0.5), "car": None}
    assert json.loads(configure_message({"classes": mapping})) == {"configure": {"classes": ["1:0.5", "car"]}}


def test_options_are_refused_in_words() -> None:
    for options, words in [
        ({"conf": 2}, "conf must be from 0 to 1"),
        ({"max_det": 0}, "max_det must be a whole number"),
        ({"classes": {"person": 3}}, "threshold of 'person'"),
        ({"fps": 0}, "above 0"),
        ({"quality": 0}, "1 to 100"),
        ({"channels": "rgba"}, "bgr"),
    ]:
        with pytest.raises(ValueError, match=words):
            Options(**options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="does not name a host"):
        Options().address("ws://a..b:8000")
    for url in ("host:8000", "ftp://host", "ws://"):
        with pytest.raises(ValueError, match="address of a server"):
            Options().address(url)
    with pytest.raises(TypeError, match="track"):
        configure_message({"track": True})
