#!/usr/bin/env python3
"""Attacks the doors of a server on this machine, one after another, and prints what became of it.

    tests/attacks/doors.py target/release/framegate [NAME…]

Each attack starts a server of its own, is bounded, and stays on this machine. Only Python's standard library is
needed. The exit status is 1 when an attack succeeds.
"""

import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request

from client import JPEG, MIB, Server, ask, head, hear, is_healthy, press, stream, together


def pings(program):
    with Server(program, "--backend", "null") as server:
        before = server.memory()
        data = (head(9, 125) + bytes(125)) * 500
        together(4, lambda _: press(stream(server), data, 128 * MIB))
        growth = server.peak() - before
        return growth < 32 and is_healthy(server), f"memory grew by {growth:.0f} MiB"


def unfinished(program):
    with Server(program, "--backend", "null") as server:
        before = server.memory()
        held = []

        def attack(_):
            connection = stream(server)
            connection.sendall(head(2, 10 * MIB - 1))
            press(connection, bytes(MIB), 9 * MIB)
            held.append(connection)

        together(100, attack)
        growth = server.peak() - before
        return growth < 150 and is_healthy(server), f"memory grew by {growth:.0f} MiB"


def silence(program):
    with Server(program, "--backend", "null") as server:
        held = [server.connect() for _ in range(600)]
        start = time.time()
        healthy = is_healthy(server, 8)
        waited = time.time() - start
        return healthy and bool(held), f"a session {'opens' if healthy else 'does not open'} in {waited:.1f} s"


def bodies(program):
    with Server(program, "--backend", "null") as server:
        held = [server.connect() for _ in range(8)]
        for connection in held:
            connection.sendall(
                b"POST /infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\n."
            )
        time.sleep(0.3)
        status = post(server, "image/jpeg", JPEG)
        return status == 200, f"a POST beside slow ones: {status}"


def unread_log(program):
    with Server(program, "--backend", "null", "--log-level", "debug") as server:
        done = 0
        for _ in range(400):
            try:
                if b'"result"' not in ask(stream(server)):
                    break
            except OSError:
                break
            done += 1
        server.process.send_signal(signal.SIGTERM)
        try:
            status = server.process.wait(15)
        except subprocess.TimeoutExpired:
            status = "never"
        return (done, status) == (400, 0), f"{done} of 400 sessions served, exit {status}"


def unread_answers(program):
    with Server(program, "--backend", "null") as server:
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


def origins(program):
    with Server(program, "--backend", "null") as server:
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


def padding(program):
    with Server(program, "--backend", "null") as server:
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


def goodbyes(program):
    with Server(program, "--backend", "null:latency_ms=300") as server:
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


ATTACKS = [pings, unfinished, silence, bodies, unread_log, unread_answers, origins, padding, goodbyes]


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    program = os.path.abspath(sys.argv[1])
    wanted = sys.argv[2:]
    failed = False
    for attack in ATTACKS:
        if wanted and attack.__name__ not in wanted:
            continue
        held, finding = attack(program)
        failed |= not held
        print(f"{'held  ' if held else 'BROKEN'} {attack.__name__}: {finding}", flush=True)
    sys.exit(failed)


main()
