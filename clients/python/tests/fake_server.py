"""A server that does what a test says."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from websockets.sync.server import ServerConnection, serve

PATIENCE = 10.0
GREETING = {"session": {"session_id": "fake", "labels": ["person"], "max_frame_bytes": 1000}}


@dataclass
class Session:
    """A client's connection."""

    connection: ServerConnection
    ended: threading.Event

    def say(self, message: dict[str, Any]) -> None:
        self.connection.send(json.dumps(message))

    def greet(self) -> None:
        self.say(GREETING)

    def receive(self) -> bytes | str:
        return self.connection.recv(PATIENCE)

    def has_nothing(self, seconds: float) -> bool:
        try:
            self.connection.recv(seconds)
        except TimeoutError:
            return True
        return False

    def answer(self, index: int) -> None:
        result = {"width": 4, "height": 3, "detections": []}
        self.say({"frame_index": index, "result": result, "timings_ms": {}, "age_ms": 1.0})

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.connection.close(code, reason)
        self.ended.set()


@dataclass
class FakeServer:
    url: str
    sessions: queue.Queue[Session]

    def accept(self) -> Session:
        """The next client."""
        return self.sessions.get(timeout=PATIENCE)


@contextmanager
def fake_server() -> Iterator[FakeServer]:
    sessions: queue.Queue[Session] = queue.Queue()
    all_ended: list[threading.Event] = []

    def handle(connection: ServerConnection) -> None:
        ended = threading.Event()
        all_ended.append(ended)
        sessions.put(Session(connection, ended))
        ended.wait()

    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.socket.getsockname()[1]
        yield FakeServer(f"ws://127.0.0.1:{port}", sessions)
        for ended in all_ended:
            ended.set()
        server.shutdown()
        thread.join()
