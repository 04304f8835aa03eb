"""A session with a server, for code that awaits.

::

    async with framegate.aio.connect("ws://localhost:8000", track=True) as connection:
        connection.send(jpeg)  # again and again, whenever there is a frame
        async for result in connection:
            ...

or ``async for result in framegate.aio.stream(camera, "ws://localhost:8000")``.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import Any, Self, Unpack
from urllib.parse import urlsplit

from framegate import _image
from framegate._image import Image
from framegate._native import WebSocket, encode_jpeg
from framegate._stream.camera import Camera, frames_of
from framegate._stream.keywords import OptionKeywords
from framegate._stream.options import Options, configure_message
from framegate._stream.rate import Backoff
from framegate._stream.state import SILENCE, Counts, Offered, Result, StreamError, StreamState

_LOG = logging.getLogger("framegate")
_CONNECT_LIMIT = 10.0
_GOODBYE_LIMIT = 1.0
_CHUNK = 1 << 16
_NORMAL = 1000
_FINAL_CLOSES = {1000, 1003, 1005, 1007, 1008, 1009, 1010}
"""Closes after which connecting again is pointless: a goodbye, or the server will not accept what this sends."""
_BUSY = {429, 500, 502, 503, 504}
"""Refusals that pass."""


class _Lost(Exception):
    """The connection is lost."""


class Connection:
    """A session that lasts: opened again whenever it is lost, with growing waits.

    Of what is sent only the newest frame waits, of what was received only the newest result.
    """

    def __init__(self, url: str, options: Options, tls: ssl.SSLContext | None = None) -> None:
        self._url = url
        self._address = options.address(url)
        WebSocket(self._address)  # refuses an address that it could not connect to
        self._options = options
        self._tls = tls
        self._state = StreamState(options.fps)
        self._changes: dict[str, Any] = {}
        self._to_configure = False
        self._something = asyncio.Event()
        """A frame, an answer or a change: there may be something to send."""
        self._received = asyncio.Event()
        self._ending = False
        self._error: StreamError | None = None
        self._frame_error: Exception | None = None
        """Why a frame could not be sent; the next to receive is to know."""
        self._is_closed = False
        self._task = asyncio.get_running_loop().create_task(self._keep_connected())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def send(self, frame: Image) -> None:
        """Offers a frame: a JPEG, or an array of pixels, which is made one when its turn comes. It takes the place of
        one that was not sent yet. An array must not be written to until its result is there.

        Raises ``ValueError`` for what is not an image, or cannot be sent as a JPEG."""
        if self._error:
            raise self._error
        pixels, bgr = _image.read(frame, self._options.channels)
        _image.check_sendable(pixels)
        if not self._is_closed:
            self._state.offer(Offered(frame, pixels, bgr))
            self._something.set()

    def configure(self, **changes: Any) -> None:
        """Changes ``conf``, ``iou``, ``classes``, ``max_det`` or ``text`` for the frames that follow; ``None`` is the
        server's own again."""
        configure_message(changes)
        self._changes |= changes
        self._to_configure = True
        self._something.set()

    async def receive(self) -> Result | None:
        """The newest result that was not received yet; ``None`` when the connection is closed.

        Raises :class:`StreamError` for a failure that connecting again would not mend, and ``ValueError`` for a frame
        that could not be made a JPEG, once; the session goes on.
        """
        while (result := self._state.result) is None:
            if self._error:
                raise self._error
            if self._frame_error:
                error, self._frame_error = self._frame_error, None
                raise error
            if self._is_closed or (self._ending and self._state.is_idle):
                return None
            self._received.clear()
            await self._received.wait()
        self._state.result = None
        return result

    def _give_back(self, result: Result | None) -> None:
        """Of a call that was abandoned: its result is for the next, unless there is a newer one."""
        if self._state.result is None:
            self._state.result = result
            self._received.set()

    def __aiter__(self) -> AsyncIterator[Result]:
        return self._results()

    async def _results(self) -> AsyncIterator[Result]:
        while (result := await self.receive()) is not None:
            yield result

    def finish(self) -> None:
        """No more frames come: iteration ends with the answer to the last."""
        self._ending = True
        self._received.set()

    async def close(self) -> None:
        """Says goodbye. What is under way is lost."""
        self._is_closed = True
        self._received.set()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def session(self) -> Mapping[str, Any] | None:
        """The server's description of itself, and the options in force; ``None`` while not connected."""
        return self._state.session

    @property
    def counts(self) -> Counts:
        """What became of the frames."""
        return self._state.counts

    @property
    def in_flight(self) -> int:
        """Frames that were sent and not answered."""
        return self._state.in_flight

    @property
    def fps(self) -> float:
        """Frames per second that are sent at most now."""
        return self._state.rate.rate(time.monotonic())

    async def _keep_connected(self) -> None:
        backoff = Backoff()
        while self._error is None:
            results, wait = self._state.counts.results, 0.0
            try:
                await self._connect_once()
            except StreamError as error:
                self._error = error
            except ssl.SSLCertVerificationError as error:
                self._error = StreamError(str(error))
            except (_Lost, OSError) as error:
                if self._state.counts.results > results:
                    backoff.succeeded()
                # A server that has announced its end has room for another session, or there is another server.
                wait = backoff.next(random.random(), at_once=self._state.is_draining)
                _LOG.warning("no session with %s (%r), trying again in %.1f s", self._url, error, wait)
                if self._ending and not self._state.is_idle:
                    self._error = StreamError(f"the connection was lost before the last answer: {error!r}")
            except Exception as error:
                # Whatever it is, those who wait must not wait for ever.
                self._error = StreamError(f"the session has failed: {error!r}")
                self._error.__cause__ = error
            finally:
                self._state.ended()
                self._received.set()
            await asyncio.sleep(wait)

    async def _connect_once(self) -> None:
        """Connects, and exchanges frames and answers until that fails."""
        address = urlsplit(self._address)
        tls = (self._tls or ssl.create_default_context()) if address.scheme == "wss" else None
        port = address.port or (443 if tls else 80)
        async with asyncio.timeout(_CONNECT_LIMIT):
            reader, writer = await asyncio.open_connection(address.hostname, port, ssl=tls)
        # What waits here would be old when it arrives.
        writer.transport.set_write_buffer_limits(high=0)
        link = _Link(WebSocket(self._address), reader, writer)
        try:
            async with asyncio.timeout(_CONNECT_LIMIT):
                await self._greeted(link)
            self._to_configure = bool(self._changes)
            await _first_to_fail(self._listen(link), self._talk(link))
        finally:
            await link.goodbye()

    async def _greeted(self, link: _Link) -> None:
        while self._state.session is None:
            await self._hear(link)

    async def _listen(self, link: _Link) -> None:
        while True:
            try:
                async with asyncio.timeout(SILENCE):
                    await self._hear(link)
            except TimeoutError:
                if self._state.is_silent(time.monotonic()):
                    raise _Lost("no answer") from None

    async def _hear(self, link: _Link) -> None:
        for text in await link.receive():
            try:
                self._state.heard(text, time.monotonic())
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise StreamError(f"the server does not speak this protocol: {text[:200]}") from error
        if self._state.result is not None or self._ending:
            self._received.set()
        self._something.set()
        if self._state.refusal is not None:
            raise StreamError(self._state.refusal)
        link.check()

    async def _talk(self, link: _Link) -> None:
        while True:
            if self._to_configure:
                self._to_configure = False
                link.socket.send_text(configure_message(self._changes))
                await link.flush()
            wait = self._state.wait(time.monotonic())
            if wait == 0:
                await self._send_frame(link)
                continue
            # What happens meanwhile may make it shorter.
            self._something.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._something.wait()

    async def _send_frame(self, link: _Link) -> None:
        frame, pixels, bgr = self._state.take(time.monotonic())
        if isinstance(pixels, bytes):
            jpeg = pixels
        else:
            try:
                jpeg = await asyncio.to_thread(encode_jpeg, pixels, bgr, self._options.quality)
            except Exception as error:
                self._frame_error = error
                self._received.set()
                return
        self._state.sent(frame, len(jpeg), time.monotonic())
        link.socket.send(jpeg)
        await link.flush()


async def _first_to_fail(*endless: Coroutine[Any, Any, None]) -> None:
    """Runs all until one fails, and raises its failure: of several the first one's."""
    tasks = [asyncio.ensure_future(one) for one in endless]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Link:
    """A socket and what is said over it."""

    def __init__(self, socket: WebSocket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.socket = socket
        self._reader = reader
        self._writer = writer
        self._writer.write(socket.take_outgoing())

    async def receive(self) -> list[str]:
        """The texts in what arrives next."""
        received = await self._reader.read(_CHUNK)
        if not received:
            raise _Lost("the server is gone")
        texts = self.socket.receive(received)
        self._writer.write(self.socket.take_outgoing())
        return texts

    def check(self) -> None:
        """Raises if the server has refused or closed the connection."""
        if self.socket.refusal is not None:
            status, body = self.socket.refusal
            if status not in _BUSY:
                raise StreamError(f"the server refused the connection: {status} {body}")
            raise _Lost(f"refused: {status}")
        if self.socket.closed is not None:
            code, reason = self.socket.closed
            if code in _FINAL_CLOSES:
                raise StreamError(reason or f"the server has closed the session ({code})")
            raise _Lost(f"closed: {code}")

    async def flush(self) -> None:
        self._writer.write(self.socket.take_outgoing())
        await self._writer.drain()

    async def goodbye(self) -> None:
        self.socket.close(_NORMAL)
        try:
            async with asyncio.timeout(_GOODBYE_LIMIT):
                await self.flush()
                self._writer.close()
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()


def connect(url: str, *, tls: ssl.SSLContext | None = None, **options: Unpack[OptionKeywords]) -> Connection:
    """Opens a session with the server at ``url``, like ``ws://localhost:8000`` or ``https://host``; the keywords are
    those of :class:`framegate.Options`. ``tls`` replaces Python's default settings for ``wss``."""
    return Connection(url, Options(**options), tls)


def stream(
    camera: AsyncIterable[Image] | Camera,
    url: str,
    *,
    tls: ssl.SSLContext | None = None,
    **options: Unpack[OptionKeywords],
) -> AsyncIterator[Result]:
    """Sends the newest frame of a camera, and yields the results: :func:`framegate.stream` for code that awaits.

    ``camera`` may be an asynchronous generator; any other is read on another thread. End a loop that is left early by
    ``aclosing``, or by ending its task.
    """
    if isinstance(camera, AsyncIterable):
        return _results_of(camera, url, tls, options)
    frames, options = frames_of(camera, options)
    return _results_of(frames, url, tls, options)


async def _results_of(
    frames: AsyncIterable[Image] | Iterable[Image], url: str, tls: ssl.SSLContext | None, options: OptionKeywords
) -> AsyncIterator[Result]:
    async with connect(url, tls=tls, **options) as connection:
        feeding = asyncio.create_task(_feed(frames, connection))
        feeding.add_done_callback(lambda _: connection.finish())
        try:
            async for result in connection:
                yield result
            # It has ended: its failure is the caller's.
            await feeding
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)


async def _feed(frames: AsyncIterable[Image] | Iterable[Image], connection: Connection) -> None:
    if isinstance(frames, AsyncIterable):
        async for frame in frames:
            connection.send(frame)
        return
    rest = iter(frames)
    while one := await asyncio.to_thread(_next_of, rest):
        connection.send(one[0])


def _next_of(frames: Iterator[Image]) -> list[Image]:
    """The next frame, if there is one."""
    return list(islice(frames, 1))
