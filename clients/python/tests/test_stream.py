"""Sessions with servers: the wheel's own, and ones that misbehave as a test says."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from typing import Any

import framegate
import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import SEVERAL, server
from fake_server import Session, fake_server

PATIENCE = 10.0


def jpeg(text: str) -> bytes:
    """What a client takes for a JPEG."""
    return b"\xff\xd8" + text.encode()


def wait_until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.001)


def test_a_camera_is_streamed_to_its_end(null_server: str) -> None:
    image = SEVERAL.read_bytes()
    got_one = threading.Event()

    def camera() -> Iterator[bytes]:
        yield image
        assert got_one.wait(PATIENCE)
        yield image + b"\0"

    frames = []
    for result in framegate.stream(camera(), null_server, fps=100):
        frames.append((result.frame, result.frame_index))
        assert result.detections.size[0] > 0 and "inference" in result.detections.timings_ms
        assert 0 < result.age_ms <= result.round_trip_ms
        got_one.set()
    assert frames == [(image, 1), (image + b"\0", 2)]


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


class FakeCapture:
    """What OpenCV's camera is to a program."""

    def __init__(self, frames: list[NDArray[np.uint8]], gate: threading.Event | None = None) -> None:
        self.frames, self.gate = frames, gate

    def isOpened(self) -> bool:
        return bool(self.frames)

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        if not self.frames:
            assert self.gate is None or self.gate.wait(PATIENCE)
            return False, None
        return True, self.frames.pop(0)


def mean_colour(encoded: bytes | str) -> list[int]:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    assert isinstance(encoded, bytes)
    decoded = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    return [round(value) for value in decoded.mean(axis=(0, 1))]


def test_a_capture_of_opencv_is_a_camera_of_blue_green_and_red() -> None:
    blue = np.zeros((16, 16, 3), np.uint8)
    blue[..., 0] = 255
    for options, expected in [({}, 0), ({"channels": "rgb"}, 2)]:
        with fake_server() as fake:
            results = framegate.stream(FakeCapture([blue]), fake.url, **options)  # type: ignore[arg-type]
            taken: Future[framegate.Result] = Future()
            thread = threading.Thread(target=lambda: taken.set_result(next(results)))  # noqa: B023
            thread.start()
            session = fake.accept()
            session.greet()
            colour = mean_colour(session.receive())
            assert np.argmax(colour) == expected and max(colour) > 200
            session.answer(1)
            assert taken.result(PATIENCE).frame is blue
            thread.join()
            assert next(results, None) is None
    with pytest.raises(ValueError, match="the camera is not open"):
        framegate.stream(FakeCapture([]), "ws://localhost:1")
    with pytest.raises(ValueError, match="the camera is not open"):
        framegate.aio.stream(FakeCapture([]), "ws://localhost:1")


def test_cameras_of_every_kind_are_streamed_by_code_that_awaits() -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)

    async def waiting() -> AsyncIterator[framegate.Image]:
        yield pixels

    async def results(camera: Any, url: str) -> list[Any]:
        return [result.frame async for result in framegate.aio.stream(camera, url)]

    for camera in [waiting(), [pixels], iter([pixels]), FakeCapture([pixels])]:
        with fake_server() as fake:
            done: Future[list[Any]] = Future()
            thread = threading.Thread(target=lambda: done.set_result(asyncio.run(results(camera, fake.url))))  # noqa: B023
            thread.start()
            session = fake.accept()
            session.greet()
            assert session.receive()
            session.answer(1)
            (frame,) = done.result(PATIENCE)
            assert frame is pixels
            thread.join()


def test_a_camera_that_fails_ends_a_stream_that_is_awaited() -> None:
    def camera() -> Iterator[bytes]:
        raise OSError("unplugged")
        yield b""

    async def results(url: str) -> None:
        async for _ in framegate.aio.stream(camera(), url):
            pass

    with fake_server() as fake, pytest.raises(OSError, match="unplugged"):
        asyncio.run(results(fake.url))
    with pytest.raises(TypeError, match="camera must yield frames, which str does not"):
        framegate.aio.stream("0", "ws://localhost:1")


def test_overload_keeps_nothing_back_but_the_newest() -> None:
    with fake_server() as fake, framegate.connect(fake.url, fps=1000) as connection:
        session = fake.accept()
        session.greet()
        under_way: list[bytes | str] = []
        for number in count():
            connection.send(jpeg(str(number)))
            if connection.in_flight > len(under_way):
                under_way.append(session.receive())
            if len(under_way) == 3:
                break
        for number in range(100_000, 100_500):
            connection.send(jpeg(str(number)))
        assert connection.in_flight == 3, "no more are sent than the link is known to carry"
        session.answer(1)
        assert session.receive() == jpeg("100499")
        counts = connection.counts
        assert counts.replaced == counts.offered - counts.sent
        assert counts.replaced >= 499 and counts.sent == 4


def test_advice_to_slow_down_is_obeyed_until_it_is_taken_back() -> None:
    with fake_server() as fake, framegate.connect(fake.url, fps=500) as connection:
        session = fake.accept()
        session.greet()
        session.say({"warning": "slow_down", "recommended_fps": 0.5, "drop_rate": 0.5})
        wait_until(lambda: connection.fps == 0.5)
        connection.send(jpeg("first"))
        assert session.receive() == jpeg("first")
        session.answer(1)
        connection.send(jpeg("second"))
        assert session.has_nothing(0.1), "two seconds apart"
        session.say({"notice": "recovered", "recommended_fps": 400.0})
        wait_until(lambda: connection.fps > 0.5)


def test_a_lost_connection_is_opened_again_with_the_options_in_force() -> None:
    with fake_server() as fake, framegate.connect(fake.url, conf=0.4) as connection:
        session = fake.accept()
        session.greet()
        connection.configure(conf=0.7)
        assert json.loads(session.receive()) == {"configure": {"conf": 0.7}}
        connection.send(jpeg("lost"))
        assert session.receive() == jpeg("lost")
        session.say({"notice": "draining", "deadline_ms": 100})
        session.close(1012)
        again = fake.accept()
        again.greet()
        assert json.loads(again.receive()) == {"configure": {"conf": 0.7}}
        connection.send(jpeg("found"))
        assert again.receive() == jpeg("found")
        again.answer(1)
        result = connection.receive(PATIENCE)
        assert result is not None and result.frame == jpeg("found") and result.frame_index == 1
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
    for url in ("localhost", "ws://host:port", "ws://a b", "ws://a..b:8000"):
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
            list(framegate.stream([jpeg("frame")], fake.url))
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
        connection.send(jpeg("into the void"))
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
        connection.send(jpeg("one"))
        assert session.has_nothing(0.05)
        session.greet()
        assert session.receive() == jpeg("one")


def test_what_cannot_be_sent_is_refused_by_send() -> None:
    with fake_server() as fake, framegate.connect(fake.url) as connection:
        session = fake.accept()
        session.greet()
        wrong: list[tuple[framegate.Image, str]] = [
            (b"\x89PNG", "not a JPEG"),
            (np.zeros((10, 70000, 3), np.uint8), "70000x10.*too large"),
        ]
        for frame, words in wrong:
            with pytest.raises(ValueError, match=words):
                connection.send(frame)
        connection.send(jpeg("good"))
        assert session.receive() == jpeg("good")
    with fake_server() as fake, pytest.raises(ValueError, match="not a JPEG"):
        list(framegate.stream([b"\x89PNG"] * 3, fake.url))


def test_a_frame_that_cannot_be_made_a_jpeg_is_raised_once_and_the_session_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> bytes:
        raise ValueError("no memory for this JPEG")

    monkeypatch.setattr("framegate.aio.encode_jpeg", fail)
    with fake_server() as fake, framegate.connect(fake.url, fps=1000) as connection:
        session = fake.accept()
        session.greet()
        connection.send(np.zeros((2, 2, 3), np.uint8))
        with pytest.raises(ValueError, match="no memory"):
            connection.receive(PATIENCE)
        connection.send(jpeg("good"))
        assert session.receive() == jpeg("good")
        session.answer(1)
        result = connection.receive(PATIENCE)
        assert result is not None and result.frame == jpeg("good")


def test_whatever_ends_the_session_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a surprise")

    monkeypatch.setattr("framegate.aio.asyncio.open_connection", fail)
    with framegate.connect("ws://localhost:1") as connection:
        with pytest.raises(framegate.StreamError, match="a surprise"):
            connection.receive(PATIENCE)
        with pytest.raises(framegate.StreamError, match="a surprise"):
            connection.send(jpeg("late"))


def test_sources_without_frames_are_refused() -> None:
    cameras: list[Any] = ["clip.mp4", Path("clip.mp4"), b"jpeg", 5]
    for camera in cameras:
        with pytest.raises(TypeError, match="camera must yield frames"):
            framegate.stream(camera, "ws://localhost:1")


def test_values_are_checked_before_they_are_sent() -> None:
    with fake_server() as fake, framegate.connect(fake.url) as connection:
        session = fake.accept()
        session.greet()
        wrong: list[tuple[str, object]] = [
            ("conf", 2),
            ("iou", "x"),
            ("max_det", 0),
            ("max_det", 1.5),
            ("text", "no"),
            ("classes", []),
        ]
        for name, value in wrong:
            with pytest.raises(ValueError, match=name):
                connection.configure(**{name: value})
        with pytest.raises(TypeError, match=r"\['person'\]"):
            connection.configure(classes="person")
        connection.configure(classes=["persn"])
        assert json.loads(session.receive()) == {"configure": {"classes": ["persn"]}}
        session.say({"error": "invalid_message", "detail": 'there is no class "persn"'})
        session.close(1003)
        with pytest.raises(framegate.StreamError, match="persn"):
            connection.receive(PATIENCE)


def test_an_interrupted_call_leaves_its_result_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_server() as fake, framegate.connect(fake.url) as connection:
        session = fake.accept()
        session.greet()
        connection.send(jpeg("one"))
        session.receive()

        def interrupted(self: Future[object], timeout: float | None = None) -> object:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(Future, "result", interrupted)
            connection.receive()
        session.answer(1)
        result = connection.receive(PATIENCE)
        assert result is not None and result.frame == jpeg("one")


def test_a_result_that_came_just_before_the_interruption_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_server() as fake, framegate.connect(fake.url) as connection:
        session = fake.accept()
        session.greet()
        connection.send(jpeg("one"))
        session.receive()
        session.answer(1)
        plain = Future.result

        def interrupted_late(self: Future[object], timeout: float | None = None) -> object:
            patched.undo()
            plain(self, PATIENCE)
            raise KeyboardInterrupt

        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(Future, "result", interrupted_late)
            connection.receive()
        result = connection.receive(PATIENCE)
        assert result is not None and result.frame == jpeg("one")
