"""Sessions with servers: the wheel's own, and ones that misbehave as a test says."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count

import framegate
import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import SEVERAL, server
from fake_server import Session, fake_server

PATIENCE = 10.0


def wait_until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.001)


def test_a_camera_is_streamed_to_its_end(null_server: str) -> None:
    jpeg = SEVERAL.read_bytes()
    got_one = threading.Event()

    def camera() -> Iterator[bytes]:
        yield jpeg
        assert got_one.wait(PATIENCE)
        yield jpeg + b"\0"

    frames = []
    for result in framegate.stream(camera(), null_server, fps=100):
        frames.append((result.frame, result.frame_index))
        assert result.detections.size[0] > 0 and "inference" in result.detections.timings_ms
        assert 0 < result.age_ms <= result.round_trip_ms
        got_one.set()
    assert frames == [(jpeg, 1), (jpeg + b"\0", 2)]


def test_codes_are_found_by_a_server_in_arrays(pixels: NDArray[np.uint8]) -> None:
    with server("--pipeline", "codes") as url, framegate.connect(url, track=True, max_det=1) as connection:
        connection.send(pixels)
        result = connection.receive(PATIENCE)
        assert result is not None and result.frame is pixels
        assert len(result.detections) == 1 and result.detections.track_id is not None
        label = result.detections.labels[0]
        here = framegate.Detector("codes", max_det=1)(pixels)
        assert here.labels == [label] and np.abs(here.xyxy - result.detections.xyxy).max() < 5
        assert connection.session is not None and label in connection.session["labels"]
        connection.configure(conf=1.0)
        connection.send(np.ascontiguousarray(pixels))
        result = connection.receive(PATIENCE)
        assert result is not None and len(result.detections) == 0


def test_overload_keeps_nothing_back_but_the_newest() -> None:
    with fake_server() as fake, framegate.connect(fake.url, fps=1000) as connection:
        session = fake.accept()
        session.greet()
        under_way: list[bytes | str] = []
        for number in count():
            connection.send(str(number).encode())
            if connection.in_flight > len(under_way):
                under_way.append(session.receive())
            if len(under_way) == 3:
                break
        for number in range(100_000, 100_500):
            connection.send(str(number).encode())
        assert connection.in_flight == 3, "no more are sent than the link is known to carry"
        session.answer(1)
        assert session.receive() == b"100499"
        counts = connection.counts
        assert counts.replaced == counts.offered - counts.sent
        assert counts.replaced >= 499 and counts.sent == 4


def test_advice_to_slow_down_is_obeyed_until_it_is_taken_back() -> None:
    with fake_server() as fake, framegate.connect(fake.url, fps=500) as connection:
        session = fake.accept()
        session.greet()
        session.say({"warning": "slow_down", "recommended_fps": 0.5, "drop_rate": 0.5})
        wait_until(lambda: connection.fps == 0.5)
        connection.send(b"first")
        assert session.receive() == b"first"
        session.answer(1)
        connection.send(b"second")
        assert session.has_nothing(0.1), "two seconds apart"
        session.say({"notice": "recovered", "recommended_fps": 400.0})
        wait_until(lambda: connection.fps > 0.5)


def test_a_lost_connection_is_opened_again_with_the_options_in_force() -> None:
    with fake_server() as fake, framegate.connect(fake.url, conf=0.4) as connection:
        session = fake.accept()
        session.greet()
        connection.configure(conf=0.7)
        assert json.loads(session.receive()) == {"configure": {"conf": 0.7}}
        connection.send(b"lost")
        assert session.receive() == b"lost"
        session.say({"notice": "draining", "deadline_ms": 100})
        session.close(1012)
        again = fake.accept()
        again.greet()
        assert json.loads(again.receive()) == {"configure": {"conf": 0.7}}
        connection.send(b"found")
        assert again.receive() == b"found"
        again.answer(1)
        result = connection.receive(PATIENCE)
        assert result is not None and result.frame == b"found" and result.frame_index == 1
        assert connection.counts.lost == 1


def test_what_cannot_be_mended_is_raised(null_server: str) -> None:
    with framegate.connect(null_server, pipeline_id="nope") as connection:
        with pytest.raises(framegate.StreamError, match="Unknown pipeline_id: nope"):
            connection.receive(PATIENCE)
    with pytest.raises(framegate.StreamError, match="no class"):
        next(framegate.stream([SEVERAL.read_bytes()], null_server, classes=["cat"]))
    with framegate.connect(null_server + "/no/such/path") as connection:
        with pytest.raises(framegate.StreamError, match="404"):
            connection.receive(PATIENCE)
    for url in ("localhost", "ws://host:port", "ws://a b"):
        with pytest.raises(ValueError):
            framegate.connect(url)


def test_a_server_of_another_kind_is_reported() -> None:
    for text in ("no JSON", "[]", '{"warning":"slow_down"}'):
        with fake_server() as fake, framegate.connect(fake.url) as connection:
            fake.accept().connection.send(text)
            with pytest.raises(framegate.StreamError, match="does not speak this protocol"):
                connection.receive(PATIENCE)


def test_a_camera_that_fails_says_so(null_server: str) -> None:
    def camera() -> Iterator[bytes]:
        yield SEVERAL.read_bytes()
        raise OSError("the cable is out")

    with pytest.raises(OSError, match="the cable is out"):
        list(framegate.stream(camera(), null_server))
    with pytest.raises(ValueError, match="tobytes"):
        list(framegate.stream([np.zeros(5, np.uint8)], null_server))


def test_a_server_that_ends_during_the_last_frame_is_reported() -> None:
    with fake_server() as fake:

        def lose() -> None:
            session = fake.accept()
            session.greet()
            session.receive()
            session.close(1012)

        losing = threading.Thread(target=lose)
        losing.start()
        with pytest.raises(framegate.StreamError, match="before the last answer"):
            list(framegate.stream([b"frame"], fake.url))
        losing.join()


def test_closing_ends_those_who_wait() -> None:
    with fake_server() as fake:
        connection = framegate.connect(fake.url)
        fake.accept().greet()
        results: list[object] = []
        waiting = threading.Thread(target=lambda: results.extend([connection.receive(), "ended"]))
        waiting.start()
        with pytest.raises(TimeoutError):
            connection.receive(0.01)
        connection.close()
        waiting.join(PATIENCE)
        assert results == [None, "ended"]
        assert connection.receive() is None
        connection.send(b"into the void")
        connection.close()


def test_the_same_for_code_that_awaits(null_server: str) -> None:
    async def main() -> list[int]:
        numbers = []
        async with framegate.aio.connect(null_server, fps=1000) as connection:
            connection.send(SEVERAL.read_bytes())
            async for result in connection:
                numbers.append(result.frame_index)
                if len(numbers) == 3:
                    connection.finish()
                else:
                    connection.send(SEVERAL.read_bytes())
        assert await connection.receive() is None
        return numbers

    assert asyncio.run(main()) == [1, 2, 3]


def test_a_session_that_was_not_greeted_takes_no_frames() -> None:
    with fake_server() as fake, framegate.connect(fake.url) as connection:
        session: Session = fake.accept()
        connection.send(b"one")
        assert session.has_nothing(0.05)
        session.greet()
        assert session.receive() == b"one"
