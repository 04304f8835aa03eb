"""The program in the wheel."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from conftest import SEVERAL

PROGRAM = [sys.executable, "-m", "framegate"]


def run(*arguments: str, program: list[str] = PROGRAM) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=120)


def test_the_command_is_installed() -> None:
    command = str(Path(sys.executable).with_name("framegate"))
    shown = run("--version", program=[command])
    assert shown.stdout.startswith("framegate ") and shown.returncode == 0
    assert run("--version").stdout == shown.stdout


def test_it_detects_and_says_when_it_cannot() -> None:
    found = run("infer", str(SEVERAL))
    assert len(json.loads(found.stdout)["detections"]) >= 2
    missing = run("infer", "missing.jpg")
    assert missing.returncode == 1 and "missing.jpg" in missing.stdout + missing.stderr
    assert run("infer", "--conf-no-such-option").returncode == 2


def test_it_starts_itself_again_to_measure() -> None:
    measured = run("bench", "--images", str(SEVERAL), "--seconds", "0.1", "--backend", "simd")
    assert measured.returncode == 0, measured.stderr
    assert "simd" in measured.stdout
