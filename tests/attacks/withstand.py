"""A server under attack, with a camera before and beside it."""

import os
import signal
import subprocess
import sys
import time

from client import Camera, Server, is_healthy

# The time of the backend for a frame, in milliseconds: a client can hang up before its answer is there.
LATENCY = 20


def withstand(program, attack):
    """Whether the server, and a camera at it, come through the attack; and what is to be said of it."""
    arguments = ["--backend", f"null:latency_ms={LATENCY}", "--log-level", "debug", *getattr(attack, "options", [])]
    with Server(program, *arguments) as server:
        with Camera(server) as alone:
            time.sleep(6)
        with Camera(server) as camera:
            start = time.monotonic()
            held, finding = attack(server)
            time.sleep(max(0, start + 4 - time.monotonic()))
        held = held and camera.kept() >= 0.95 and camera.warnings == 0
        finding = f"{finding}; the camera alone {alone}, beside it {camera}"
        if camera.warnings:
            finding = f"{finding}, and it is asked to slow down"
        if getattr(attack, "slows_no_other", False):
            if alone.age(0.99) > 2 * alone.age(0.5):
                finding = f"{finding} (this machine is too busy to compare them)"
            elif camera.age(0.99) > 1.1 * alone.age(0.99) + LATENCY:
                held, finding = False, f"{finding}, which is too much"
        if not is_healthy(server):
            held, finding = False, f"{finding}, and no session opens afterwards"
        server.process.send_signal(signal.SIGTERM)
        try:
            status = server.process.wait(15)
        except subprocess.TimeoutExpired:
            status = "never"
        if status != 0:
            held, finding = False, f"{finding}, and it ends with {status}"
    return held, finding


def main(usage, attacks):
    """Runs the attacks that the command line names, or all."""
    if len(sys.argv) < 2:
        raise SystemExit(usage)
    program = os.path.abspath(sys.argv[1])
    wanted = sys.argv[2:]
    failed = False
    for attack in attacks:
        if wanted and attack.__name__ not in wanted:
            continue
        held, finding = withstand(program, attack)
        failed |= not held
        print(f"{'held  ' if held else 'BROKEN'} {attack.__name__}: {finding}", flush=True)
    sys.exit(failed)
