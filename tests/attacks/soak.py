#!/usr/bin/env python3
"""A camera that streams for an hour beside everything at once that attacks the server.

    tests/attacks/soak.py target/release/framegate [--minutes M] [--backend B]

On a backend that runs 100 frames per second: one session of 15 frames per second from an address of its own, which
must not notice; twenty of 15 per second, which are three times too many; and bombs, pings and requests with unread
answers, messages that never end, floods of tiny frames, slow bodies, silent connections and sessions that
vanish. Every minute a line; at the end, every frame is accounted for and memory has not grown. The exit status is 1
when that is not so.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import bombs
from client import JPEG, MIB, Server, ask, head, is_healthy, press, stream

# Requests with long answers that stay unread.
GREEDY = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20
SLOW_BODY = b"POST /infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\n."


def bomb(server):
    """A JPEG that is small to send and long to decode, twice per second."""
    connection = stream(server, timeout=20)
    for _ in range(20):
        ask(connection, BOMB)
        time.sleep(0.5)


def unread_pings(server):
    press(stream(server), (head(9, 125) + bytes(125)) * 500, 32 * MIB, 2)


def unread_answers(server):
    press(server.connect(), GREEDY, 8 * MIB, 2)


def endless_message(server):
    connection = stream(server)
    connection.sendall(head(2, 10 * MIB - 1))
    press(connection, bytes(MIB), 9 * MIB, 2)
    time.sleep(5)


def tiny_frames(server):
    """Messages of four bytes that no decoder reads, as fast as they are taken; the answers stay unread."""
    press(stream(server), (head(2, 4) + b"\xff\xd8\xff\xd9") * 1000, 4 * MIB, 2)


def slow_body(server):
    connection = server.connect()
    connection.sendall(SLOW_BODY)
    for _ in range(20):
        time.sleep(1)
        connection.sendall(b".")


def silence(server):
    held = [server.connect() for _ in range(20)]
    time.sleep(12)
    del held


def vanish(server):
    """Sessions that are reset with a frame in flight."""
    for _ in range(20):
        connection = stream(server)
        connection.sendall(head(2, len(JPEG)) + JPEG)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()
        time.sleep(0.1)


ATTACKS = [bomb, bomb, unread_pings, unread_answers, endless_message, tiny_frames, slow_body, silence, vanish]
BOMB = bombs.many_scans(4096, 4096, 18)


def again_and_again(attack, server, ended, counts):
    while not ended.is_set():
        try:
            attack(server)
        except (OSError, AttributeError):
            pass  # Refused, closed or given up: as it should be.
        counts[attack.__name__] = counts.get(attack.__name__, 0) + 1
        ended.wait(0.5)


def load(program, server, sessions, fps, seconds, into, host="127.0.0.1"):
    """Starts well-behaved sessions whose frames are accounted for."""
    address = f"ws://{host}:{server.port}"
    return subprocess.Popen(
        [program, "load", address, "--sessions", str(sessions), "--fps", str(fps), "--seconds", str(seconds)]
        + ["--json-file", into, "--log-level", "error"],
        stdout=subprocess.DEVNULL,
    )


def report(path):
    with open(path) as file:
        return json.load(file)["run"]


def is_accounted(run):
    frames = run["frames"]
    answered = frames["results"] + frames["dropped"] + frames["errors"]
    return (frames["sent"], frames["unanswered"], run["connections"]["lost"]) == (answered, 0, 0)


def soak(program, minutes, backend):
    broken = []
    counts = {}
    ended = threading.Event()
    with Server(program, "--host", "0.0.0.0", "--backend", backend) as server, tempfile.TemporaryDirectory() as folder:
        attackers = [
            threading.Thread(target=again_and_again, args=(attack, server, ended, counts)) for attack in ATTACKS
        ]
        for attacker in attackers:
            attacker.start()
        totals = {"sent": 0, "results": 0, "dropped": 0, "errors": 0}
        first = None
        worst = 0
        for minute in range(1, minutes + 1):
            calm, crowd = os.path.join(folder, "calm"), os.path.join(folder, "crowd")
            # The attackers and the crowd share an address; the camera comes from another one of this machine.
            together = [
                load(program, server, 1, 15, 55, calm, own_address()),
                load(program, server, 20, 15, 55, crowd),
            ]
            statuses = [process.wait() for process in together]
            if any(statuses):
                broken.append(f"minute {minute}: load ended with {statuses}")
                continue
            calm, crowd = report(calm), report(crowd)
            for name, run in [("camera", calm), ("crowd", crowd)]:
                if not is_accounted(run):
                    broken.append(f"minute {minute}: {name}: {run['frames']}, {run['connections']}")
                for key in totals:
                    totals[key] += run["frames"][key]
            kept = calm["frames"]["results"] / calm["frames"]["due"]
            worst = max(worst, calm["age_ms"]["p99"])
            if kept < 0.95:
                broken.append(f"minute {minute}: the camera keeps {kept:.1%} of their results")
            memory = server.memory()
            first = first or memory
            print(
                f"{minute} min: camera {kept:.1%}, p50 {calm['age_ms']['p50']:.0f} p99 {calm['age_ms']['p99']:.0f} ms; "
                f"crowd {crowd['results_per_s']:.1f}/s; {memory:.0f} MiB",
                flush=True,
            )
        ended.set()
        for attacker in attackers:
            attacker.join()
        time.sleep(2)
        growth = server.memory() - first
        if growth > 0.1 * first + 8:
            broken.append(f"memory grew by {growth:.0f} MiB")
        if not is_healthy(server):
            broken.append("no session opens afterwards")
        print(f"frames {totals}; worst p99 of the camera {worst:.0f} ms; at most {server.peak():.0f} MiB")
        print("attacks", counts)
        server.process.send_signal(signal.SIGTERM)
        if server.process.wait(20) != 0:
            broken.append("the server does not end by itself")
    return broken


def own_address():
    """An address of this machine that is not the loopback's: what connects to it comes from it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # Sends nothing.
        return probe.getsockname()[0]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program")
    options.add_argument("--minutes", type=int, default=60)
    options.add_argument("--backend", default="null:per_frame_ms=10")
    options = options.parse_args()
    broken = soak(os.path.abspath(options.program), options.minutes, options.backend)
    for finding in broken:
        print("BROKEN", finding)
    sys.exit(bool(broken))


main()
