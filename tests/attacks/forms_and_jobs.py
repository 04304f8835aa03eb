"""Attacks the forms, uploads and jobs of a server on this machine, one after another, and prints what became of it.

    tests/attacks/forms_and_jobs.py target/release/framegate VIDEO [NAME…]

VIDEO is an MP4 file of a few seconds. Each attack starts a server of its own, is bounded, and stays on this machine;
beside each streams a camera that must not notice. Others come from 127.0.0.2, the attacker from 127.0.0.1. Only
Python's standard library is needed. The exit status is 1 when an attack succeeds.
"""

import http.client
import json
import os
import socket
import sys
import threading
import time

import withstand
from client import JPEG, MIB, head, hear, press, stream, together

VIDEO = open(sys.argv.pop(2), "rb").read() if len(sys.argv) > 2 else b""
ATTACKER, OTHER = "127.0.0.1", "127.0.0.2"
FORM = "multipart/form-data; boundary=b"
PART = b"\r\n--b\r\n\r\n"


def connect(server, source, timeout=20, receive_buffer=None):
    connection = socket.socket()
    connection.settimeout(timeout)
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.bind((source, 0))
    connection.connect(("127.0.0.1", server.port))
    return connection


def begin(server, source, path, length, body=b"", content_type="video/mp4", **options):
    """Sends the head of a request, and what there is of its body."""
    connection = connect(server, source, **options)
    fields = f"Host: localhost\r\nConnection: close\r\nContent-Type: {content_type}\r\nContent-Length: {length}"
    connection.sendall(f"POST {path} HTTP/1.1\r\n{fields}\r\n\r\n".encode())
    connection.sendall(body)
    return connection


def answer(connection):
    """The status and the body; the name of the error in place of the status if there is none."""
    data = b""
    try:
        while more := connection.recv(1 << 16):
            data += more
        return int(data.split()[1]), data.split(b"\r\n\r\n", 1)[1]
    except (OSError, IndexError) as error:
        return type(error).__name__, data


def post(server, source, path, body, content_type="video/mp4"):
    return answer(begin(server, source, path, len(body), body, content_type))


def get(server, path):
    connection = connect(server, OTHER)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    return answer(connection)


def submit(server, source):
    status, body = post(server, source, "/video/submit", VIDEO)
    return json.loads(body)["job_id"] if status == 202 else None


def completed(server, job, patience=30):
    end = time.time() + patience
    while time.time() < end:
        status, body = get(server, f"/video/status/{job}")
        if status != 200 or json.loads(body)["status"] == "completed":
            return status == 200
        time.sleep(0.2)
    return False


def longest_ping(connection, seconds):
    longest, end = 0, time.time() + seconds
    while time.time() < end:
        start = time.time()
        connection.sendall(head(9, 2) + b"hi")
        while hear(connection)[0] != 10:
            pass
        longest = max(longest, time.time() - start)
        time.sleep(0.05)
    return longest


def parts(server):
    """Four forms of 5 MiB that are nothing but parts, beside a session that pings."""
    pinging = stream(server, timeout=60)
    alone = longest_ping(pinging, 3)
    body = b"--b" + PART * (5 * MIB // len(PART)) + b"\r\n--b--\r\n"
    statuses = []

    def attack(_):
        statuses.append(post(server, ATTACKER, "/infer", body, FORM)[0])

    posting = threading.Thread(target=together, args=(4, attack))
    posting.start()
    beside = longest_ping(pinging, 5)
    posting.join()
    held = beside < alone + 0.5 and statuses == [400] * 4
    return held, f"answered {statuses}; longest ping {alone:.2f} s alone, {beside:.2f} s beside"


def part_heads(server):
    """A form of 95 MiB whose only part has all of it as its head."""
    before = server.memory()
    size = 95 * MIB
    connection = begin(server, ATTACKER, "/video/submit", size + 17, b"--b\r\n", FORM, timeout=60)
    for _ in range(95):
        connection.sendall(b"\xff" * MIB)
    connection.sendall(b"\r\n\r\n--b--\r\n"[:11])
    status, _ = answer(connection)
    growth = server.peak() - before
    return status == 400 and growth < 150, f"answered {status}, memory grew by {growth:.0f} MiB"


def heads_of_jobs(server):
    """Forty heads of uploads that do not follow, beside a job that is completed."""
    done = submit(server, OTHER)
    first = completed(server, done)
    held = [begin(server, ATTACKER, "/video/submit", MIB) for _ in range(40)]
    time.sleep(1)
    still = completed(server, done, 1)
    other = submit(server, OTHER)
    for connection in held:
        connection.close()
    return first and still and bool(other), f"the job is kept: {still}; another is taken: {bool(other)}"


def jobs_of_one(server):
    """As many jobs as one address can have under way, and again as many as there may be."""
    done = submit(server, OTHER)
    first = completed(server, done)
    taken = sum(bool(submit(server, ATTACKER)) for _ in range(64))
    still = completed(server, done, 1)
    other = bool(submit(server, OTHER))
    return first and still and other, f"{taken} of 64 taken; the job is kept: {still}; another is taken: {other}"


def followers(server):
    """400 followers of a job that waits, opened and closed."""
    jobs = [submit(server, ATTACKER) for _ in range(20)]
    files = lambda: len(os.listdir(f"/proc/{server.process.pid}/fd"))
    before, most = files(), 0
    for _ in range(400):
        try:
            connection = connect(server, ATTACKER)
            connection.sendall(
                f"GET /video/results/{jobs[-1]}?from=1 HTTP/1.1\r\nHost: localhost\r\n"
                "Accept: application/x-ndjson\r\n\r\n".encode()
            )
            time.sleep(0.005)
            connection.close()
        except OSError:
            pass
        most = max(most, files())
    opened = not isinstance(stream(server), int)
    time.sleep(13)
    after = files()
    held = opened and after < before + 20
    return held, f"a session opens: {opened}; files open {before}, at most {most}, 13 s later {after}"


def uploads(server):
    """64 heads of videos beside an upload that is slow."""
    slow = begin(server, OTHER, "/video/process", len(VIDEO), VIDEO[:1000])
    time.sleep(0.3)
    held = [begin(server, ATTACKER, "/video/process", 10 * MIB) for _ in range(70)]
    time.sleep(1)
    try:
        slow.sendall(VIDEO[1000:])
    except OSError:
        pass
    status, body = answer(slow)
    for connection in held:
        connection.close()
    return status == 200 and b'"done"' in body, f"the slow upload is answered {status}"


def upload_memory(server):
    """Uploads that take all the memory for videos, beside one that is slow."""
    slow = begin(server, OTHER, "/video/process", len(VIDEO), VIDEO[:1000])
    held = [begin(server, ATTACKER, "/video/submit", 99 * MIB) for _ in range(3)]
    together(3, lambda number: press(held[number], bytes(MIB), 98 * MIB, 2))
    try:
        slow.sendall(VIDEO[1000:])
    except OSError:
        pass
    status, body = answer(slow)
    return status == 200 and b'"done"' in body, f"the slow upload is answered {status}"


def large_messages(server):
    """Eleven large messages that are not finished, beside a small one that is slow."""
    frame = JPEG + bytes(120_000)
    slow = begin(server, OTHER, "/infer", len(frame), frame[:100_000], "image/jpeg")
    time.sleep(0.5)
    held = []
    for _ in range(11):
        connection = stream(server, timeout=15)
        connection.sendall(head(2, 10 * MIB - 1))
        press(connection, bytes(MIB), 9 * MIB, 1)
        held.append(connection)
    try:
        slow.sendall(frame[100_000:])
    except OSError:
        pass
    status, _ = answer(slow)
    return status == 200, f"the slow message is answered {status}"


def unread_results(server):
    """A video whose results are hardly read, and a job that waits for its turn."""
    video = VIDEO
    slow = begin(server, ATTACKER, "/video/process", len(video), video, receive_buffer=2048)
    stop = threading.Event()

    def read():
        try:
            while not stop.wait(5) and slow.recv(256):
                pass
        except OSError:
            pass

    reading = threading.Thread(target=read)
    reading.start()
    time.sleep(1)
    start = time.time()
    job = submit(server, OTHER)
    done = bool(job) and completed(server, job, 40)
    waited = time.time() - start
    stop.set()
    reading.join()
    return done, f"the job is {'completed' if done else 'not completed'} after {waited:.0f} s"


def sends_first(server):
    """Clients of Python's standard library, which send all they have before they read."""
    found = []
    for path, content_type, size, wanted in [
        ("/infer", "image/jpeg", 8 * MIB, 413),
        ("/infer", "image/png", 3 * MIB, 415),
        ("/nope", "image/jpeg", 3 * MIB, 404),
        ("/video/process?pipeline_id=nope", "video/mp4", 12 * MIB, 404),
    ]:
        for _ in range(4):
            client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
            try:
                client.request("POST", path, bytes(size), {"Content-Type": content_type})
                status = client.getresponse().status
            except OSError as error:
                status = type(error).__name__
            found.append((status, wanted))
    good = sum(status == wanted for status, wanted in found)
    return good == len(found), f"{good} of {len(found)} read why they were refused: {sorted({str(s) for s, _ in found})}"


ATTACKS = [
    parts,
    part_heads,
    heads_of_jobs,
    jobs_of_one,
    followers,
    uploads,
    upload_memory,
    large_messages,
    unread_results,
    sends_first,
]

withstand.main(__doc__, ATTACKS)
