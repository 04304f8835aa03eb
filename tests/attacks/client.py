"""What the attacks share: a server of one's own, and a WebSocket client that can misbehave."""

import base64
import multiprocessing
import re
import socket
import struct
import subprocess
import threading
import time

MIB = 1 << 20
# A JPEG of 1 x 1 pixel.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////"
    "////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8A"
    "N//Z"
)


class Server:
    def __init__(self, program, *arguments):
        command = [program, "serve", "--port", "0", *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            found = re.search(r"ready at http://\S*?:(\d+)", line)
            if found:
                self.port = int(found[1])
                return
        raise SystemExit("the server did not start")

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1024

    def peak(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024

    def connect(self, timeout=5):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def stream(server, headers="", timeout=5):
    """Opens a session; returns its socket, or the status of the refusal."""
    connection = server.connect(timeout)
    connection.sendall(
        (
            f"GET /ws/video/stream HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{headers}\r\n"
        ).encode()
    )
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += read_exactly(connection, 1)
    status = int(answer.split()[1])
    return connection if status == 101 else status


def head(opcode, length):
    if length < 126:
        return bytes([0x80 | opcode, 0x80 | length]) + bytes(4)
    if length < 1 << 16:
        return bytes([0x80 | opcode, 0xFE]) + struct.pack(">H", length) + bytes(4)
    return bytes([0x80 | opcode, 0xFF]) + struct.pack(">Q", length) + bytes(4)


def hear(connection):
    """The opcode and the payload of the next frame."""
    first, length = read_exactly(connection, 2)
    if length == 126:
        (length,) = struct.unpack(">H", read_exactly(connection, 2))
    elif length == 127:
        (length,) = struct.unpack(">Q", read_exactly(connection, 8))
    return first & 15, read_exactly(connection, length)


def ask(connection, jpeg=JPEG):
    connection.sendall(head(2, len(jpeg)) + jpeg)
    while True:
        opcode, payload = hear(connection)
        if opcode in (1, 8):
            return payload


def press(connection, data, at_most, patience=0.5):
    """Sends until the server takes nothing for a while."""
    connection.settimeout(patience)
    sent = 0
    try:
        while sent < at_most:
            sent += connection.send(data)
    except OSError:
        pass
    return sent


def together(count, work):
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def is_healthy(server, timeout=5):
    try:
        return b'"result"' in ask(stream(server, timeout=timeout))
    except (OSError, AttributeError):
        return False


class Camera:
    """A well-behaved session beside an attack: 15 frames per second, each answered or not.

    It is a process of its own, which the attackers' threads cannot hold up.
    """

    FPS = 15

    def __init__(self, server):
        self.server = server
        self.ended = multiprocessing.Event()
        self.report = multiprocessing.Queue()
        self.process = multiprocessing.Process(target=self.film)
        self.sent = []
        self.ages = []
        self.warnings = 0

    def film(self):
        connection = stream(self.server)
        connection.settimeout(30)
        listener = threading.Thread(target=self.hear, args=(connection,))
        listener.start()
        start = time.monotonic()
        while not self.ended.wait(max(0, start + len(self.sent) / self.FPS - time.monotonic())):
            self.sent.append(time.monotonic())
            connection.sendall(head(2, len(JPEG)) + JPEG)
        time.sleep(0.5)  # What is in flight.
        connection.shutdown(socket.SHUT_RDWR)
        listener.join()
        self.report.put((self.sent, self.ages, self.warnings))

    def hear(self, connection):
        try:
            while True:
                _, payload = hear(connection)
                self.warnings += b'"slow_down"' in payload
                index = re.search(rb'"frame_index":(\d+)', payload)
                if index and b'"result"' in payload:
                    self.ages.append(time.monotonic() - self.sent[int(index[1]) - 1])
        except OSError:
            pass

    def kept(self):
        """The share of its frames that became results."""
        return len(self.ages) / max(1, len(self.sent))

    def age(self, share):
        """The age in milliseconds that this share of its results does not exceed."""
        return sorted(self.ages)[int(len(self.ages) * share)] * 1000 if self.ages else float("inf")

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.sent, self.ages, self.warnings = self.report.get(timeout=40)
        self.process.join()

    def __str__(self):
        return f"{len(self.ages)} of {len(self.sent)} results, p50 {self.age(0.5):.0f} ms, p99 {self.age(0.99):.0f} ms"
