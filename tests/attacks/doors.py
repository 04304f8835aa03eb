"""Attacks the doors of a server on this machine, one after another, and prints what became of it.

    tests/attacks/doors.py target/release/framegate [NAME…]

Each attack starts a server of its own, is bounded, and stays on this machine. Before and beside each streams a camera
that must not notice, and the log is never read; afterwards a session opens and the server ends by itself. Only Python's
standard library is needed. The exit status is 1 when an attack succeeds.
"""

import collections
import socket
import struct
import threading
import time
import urllib.error
import urllib.request

import bombs
import withstand
from client import JPEG, MIB, ask, head, hear, is_healthy, press, stream, together


def heavy_frames(server):
    """Nine senders of a JPEG that is small to send and long to decode, two per second each: they are to slow down."""
    bomb = bombs.many_scans(4096, 4096, 18)
    warned = set()

    def attack(number):
        connection = stream(server, timeout=30)

        def listen():
            try:
                while True:
                    if b'"slow_down"' in hear(connection)[1]:
                        warned.add(number)
            except OSError:
                pass

        listening = threading.Thread(target=listen)
        listening.start()
        for _ in range(20):
            connection.sendall(head(2, len(bomb)) + bomb)
            time.sleep(0.5)
        connection.shutdown(socket.SHUT_RDWR)
        listening.join()

    together(9, attack)
    return len(warned) == 9, f"180 of {len(bomb) // 1000} kB, {len(warned)} of 9 senders warned"


def heavy_posts(server):
    """The same by POST, from nine programs that each send the next when the last is answered."""
    bomb = bombs.many_scans(4096, 4096, 18)
    statuses = collections.Counter()
    end = time.monotonic() + 10

    def attack(_):
        while time.monotonic() < end:
            try:
                status = post(server, "image/jpeg", bomb)
            except OSError as error:
                status = type(error).__name__
            statuses[status] += 1
            time.sleep(0.05)

    together(9, attack)
    return True, f"answered {dict(statuses)}"


# What the camera must not notice is the time of others' frames.
heavy_frames.slows_no_other = True
heavy_posts.slows_no_other = True


def large_frames(server):
    """What decoding needs for a large image is given back."""
    before = server.memory()
    large = bombs.many_scans(4096, 4096, 3)
    statuses = {post(server, "image/jpeg", large) for _ in range(4)}
    time.sleep(5)
    growth = server.memory() - before
    return growth < 64 and statuses == {200}, f"answered {statuses}, memory grew by {growth:.0f} MiB"


def tiny_frames(server):
    """400 sessions of 15 messages per second that no decoder reads."""
    held = [stream(server) for _ in range(400)]
    sessions = [connection for connection in held if not isinstance(connection, int)]
    for connection in sessions:
        connection.setblocking(False)
    start = time.monotonic()
    for turn in range(120):
        for connection in sessions:
            try:
                connection.send(head(2, 4) + b"\xff\xd8\xff\xd9")
                connection.recv(1 << 16)
            except OSError:
                pass
        time.sleep(max(0, start + (turn + 1) / 15 - time.monotonic()))
    return True, f"{len(sessions)} of 400 sessions open"


def pings(server):
    before = server.memory()
    data = (head(9, 125) + bytes(125)) * 500
    together(4, lambda _: press(stream(server), data, 128 * MIB))
    growth = server.peak() - before
    return growth < 32, f"memory grew by {growth:.0f} MiB"


def unfinished(server):
    before = server.memory()
    held = []

    def attack(_):
        connection = stream(server)
        connection.sendall(head(2, 10 * MIB - 1))
        press(connection, bytes(MIB), 9 * MIB)
        held.append(connection)

    together(100, attack)
    growth = server.peak() - before
    return growth < 150, f"memory grew by {growth:.0f} MiB"


def silent_sessions(server):
    """As many sessions as one address may have, which answer pings and send no frame."""
    held = [stream(server) for _ in range(300)]
    sessions = [connection for connection in held if not isinstance(connection, int)]
    ended = threading.Event()

    def answer():
        while not ended.wait(0.5):
            for connection in sessions:
                try:
                    connection.sendall(head(10, 0))
                except OSError:
                    pass  # It had to give way.

    answering = threading.Thread(target=answer)
    answering.start()
    start = time.time()
    # A session may be about to send for as long as --session-idle-seconds says.
    while not (healthy := is_healthy(server)) and time.time() < start + 20:
        time.sleep(0.2)
    waited = time.time() - start
    ended.set()
    answering.join()
    return healthy, f"beside {len(sessions)} a session {'opens' if healthy else 'does not open'} in {waited:.1f} s"


silent_sessions.options = ["--session-idle-seconds", "3"]


def silence(server):
    held = [server.connect() for _ in range(600)]
    start = time.time()
    healthy = is_healthy(server, 8)
    waited = time.time() - start
    return healthy and bool(held), f"a session {'opens' if healthy else 'does not open'} in {waited:.1f} s"


def bodies(server):
    held = [server.connect() for _ in range(8)]
    for connection in held:
        connection.sendall(
            b"POST /infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\n."
        )
    time.sleep(0.3)
    status = post(server, "image/jpeg", JPEG)
    return status == 200, f"a POST beside slow ones: {status}"


def unread_log(server):
    done = 0
    for _ in range(400):
        try:
            if b'"result"' not in ask(stream(server)):
                break
        except (OSError, AttributeError):
            break
        done += 1
    return done == 400, f"{done} of 400 sessions served"


def unread_answers(server):
    connection = server.connect()
    requests = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100
    press(connection, requests, 64 * MIB, 2)
    time.sleep(11)
    connection.settimeout(0.5)
    try:
        for _ in range(100):
            connection.send(requests)
        given_up = False
    except TimeoutError:
        given_up = False
    except OSError:
        given_up = True
    return given_up, "given up" if given_up else "the connection is kept for ever"


def origins(server):
    program_ = stream(server, "Origin: file://\r\nUser-Agent: arduino\r\n")
    browser = stream(server, "Origin: https://evil.example\r\nUser-Agent: Mozilla/5.0\r\n")
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/metrics", headers={"Host": "rebound.example", "User-Agent": "Mozilla/5.0"}
    )
    try:
        rebound = urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        rebound = error.code
    good = not isinstance(program_, int) and browser == 403 and rebound == 403
    program_ = program_ if isinstance(program_, int) else 101
    return good, f"program with file:// {program_}, page of evil.example {browser}, rebound /metrics {rebound}"


def post(server, content_type, body):
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/infer", body, method="POST")
    request.add_header("Content-Type", content_type)
    try:
        return urllib.request.urlopen(request, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


def padding(server):
    padded = JPEG + bytes(100)
    socket_ = b'"result"' in ask(stream(server), padded)
    form = b"--b\r\nContent-Disposition: form-data; name=x; filename=y\r\n\r\n" + padded + b"\r\n--b--\r\n"
    statuses = [
        post(server, kind, body)
        for kind, body in [
            ("image/jpeg", padded),
            ("application/octet-stream", padded),
            ("multipart/form-data; boundary=b", form),
        ]
    ]
    return socket_ and statuses == [200] * 3, f"socket {socket_}, POST {statuses}"


def goodbyes(server):
    found = []
    for data, wanted in [(b"\x83\x80" + bytes(4), 1002), (head(1, 2) + b"\xff\xfe", 1007)]:
        connection = stream(server)
        connection.sendall(data)
        try:
            opcode, payload = hear(connection)
            found.append(struct.unpack(">H", payload[:2])[0] == wanted and opcode == 8)
        except OSError:
            found.append(False)
    connection = stream(server)
    connection.sendall(head(2, len(JPEG)) + JPEG)
    connection.shutdown(socket.SHUT_WR)
    try:
        found.append(b'"result"' in hear(connection)[1])
    except OSError:
        found.append(False)
    return all(found), f"1002 {found[0]}, 1007 {found[1]}, answer to a half-closed client {found[2]}"


ATTACKS = [
    heavy_frames,
    heavy_posts,
    large_frames,
    tiny_frames,
    pings,
    unfinished,
    silent_sessions,
    silence,
    bodies,
    unread_log,
    unread_answers,
    origins,
    padding,
    goodbyes,
]


withstand.main(__doc__, ATTACKS)
