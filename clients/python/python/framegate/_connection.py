"""A session with a server, for code that waits: the one of :mod:`framegate.aio` on a thread of its own."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, Unpack

from framegate import aio
from framegate._image import Image
from framegate._stream.camera import Camera, frames_of
from framegate._stream.keywords import OptionKeywords
from framegate._stream.options import Options, configure_message
from framegate._stream.state import Counts, Result, StreamError


class Connection:
    """A session that lasts: opened again whenever it is lost, with growing waits.

    Of what is sent only the newest frame waits, of what was received only the newest result. Nothing here waits but
    :meth:`receive` and iteration. A connection is closed by ``with``, or by :meth:`close`.
    """

    def __init__(self, url: str, options: Options, tls: ssl.SSLContext | None = None) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="framegate", daemon=True)
        self._thread.start()
        self._is_closed = False
        self._lock = threading.Lock()
        """Nothing is asked of the thread after it was asked to end."""

        async def begin() -> aio.Connection:
            return aio.Connection(url, options, tls)

        try:
            self._inner = asyncio.run_coroutine_threadsafe(begin(), self._loop).result()
        except BaseException:
            self._stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, frame: Image) -> None:
        """Offers a frame: a JPEG, or an array of pixels, which is made one when its turn comes. It takes the place of
        one that was not sent yet. An array must not be written to until its result is there."""
        self._call(lambda: self._inner.send(frame))

    def configure(self, **changes: Any) -> None:
        """Changes ``conf``, ``iou``, ``classes``, ``max_det`` or ``text`` for the frames that follow; ``None`` is the
        server's own again."""
        configure_message(changes)
        self._call(lambda: self._inner.configure(**changes))

    def receive(self, timeout: float | None = None) -> Result | None:
        """The newest result that was not received yet; ``None`` when the connection is closed.

        Raises ``TimeoutError`` if there is none in time (seconds), and :class:`StreamError` for a failure that
        connecting again would not mend.
        """
        with self._lock:
            if self._is_closed:
                return None
            receiving = asyncio.wait_for(self._inner.receive(), timeout)
            result = asyncio.run_coroutine_threadsafe(receiving, self._loop)
        try:
            return result.result()
        except KeyboardInterrupt:
            self._abandon(result)
            raise

    def _abandon(self, receiving: Future[Result | None]) -> None:
        """Leaves what comes, or has just come, to the next call."""
        if not receiving.cancel() and receiving.exception() is None:
            result = receiving.result()
            self._call(lambda: self._inner._give_back(result))

    def __iter__(self) -> Iterator[Result]:
        while (result := self.receive()) is not None:
            yield result

    def finish(self) -> None:
        """No more frames come: iteration ends with the answer to the last."""
        self._call(self._inner.finish)

    def close(self) -> None:
        """Says goodbye. What is under way is lost."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            closed = asyncio.run_coroutine_threadsafe(self._inner.close(), self._loop)
        closed.result()
        self._stop()

    @property
    def session(self) -> Mapping[str, Any] | None:
        """The server's description of itself, and the options in force; ``None`` while not connected."""
        return self._inner.session

    @property
    def counts(self) -> Counts:
        """What became of the frames."""
        return self._inner.counts

    @property
    def in_flight(self) -> int:
        """Frames that were sent and not answered."""
        return self._inner.in_flight

    @property
    def fps(self) -> float:
        """Frames per second that are sent at most now."""
        return self._inner.fps

    def _call(self, function: Callable[[], None]) -> None:
        """Calls a function on the thread of the session, which never waits; after the end does nothing."""

        async def call() -> None:
            function()

        with self._lock:
            if self._is_closed:
                return
            done = asyncio.run_coroutine_threadsafe(call(), self._loop)
        done.result()

    def _stop(self) -> None:
        async def others() -> None:
            # Another thread may be about to learn that there are no more results.
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait([task], timeout=1)

        asyncio.run_coroutine_threadsafe(others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def connect(url: str, *, tls: ssl.SSLContext | None = None, **options: Unpack[OptionKeywords]) -> Connection:
    """Opens a session with the server at ``url``, like ``ws://localhost:8000`` or ``https://host``; the keywords are
    those of :class:`framegate.Options`. ``tls`` replaces Python's default settings for ``wss``."""
    return Connection(url, Options(**options), tls)


def stream(
    camera: Camera, url: str, *, tls: ssl.SSLContext | None = None, **options: Unpack[OptionKeywords]
) -> Iterator[Result]:
    """Sends the newest frame of a camera, and yields the results, each with its frame; ends when the camera does.

    ``camera`` yields JPEGs (``bytes``) or arrays, each when it is due, or is an object like OpenCV's ``VideoCapture``,
    whose frames are blue, green, red; a frame that a newer one follows before the server can take it is left out. The
    keywords are those of :func:`connect`.
    """
    frames, options = frames_of(camera, options)
    return _results_of(frames, url, tls, options)


def _results_of(
    camera: Iterable[Image], url: str, tls: ssl.SSLContext | None, options: OptionKeywords
) -> Iterator[Result]:
    with connect(url, tls=tls, **options) as connection:
        feeder = _Feeder(camera, connection)
        try:
            yield from connection
            if feeder.error is not None:
                raise feeder.error
        finally:
            feeder.is_wanted = False


class _Feeder:
    """Offers the frames of a camera on a thread of its own: reading it may wait."""

    def __init__(self, camera: Iterable[Image], connection: Connection) -> None:
        self.is_wanted = True
        self.error: Exception | None = None
        self._camera = camera
        self._connection = connection
        threading.Thread(target=self._feed, name="framegate-camera", daemon=True).start()

    def _feed(self) -> None:
        try:
            for frame in self._camera:
                if not self.is_wanted:
                    return
                self._connection.send(frame)
        except StreamError:
            # The connection says so itself.
            return
        except Exception as error:
            self.error = error
        if self.is_wanted:
            self._connection.finish()
