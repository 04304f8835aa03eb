"""The examples, without a screen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

EXAMPLES = ROOT / "examples/python"


def run(name: str, *arguments: str, needs: tuple[str, ...] = (), folder: Path | None = None) -> str:
    for package in needs:
        pytest.importorskip(package, reason=f"{package} is not installed")
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, env=environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_webcam_falls_back_to_a_sample(null_server: str) -> None:
    shown = run("webcam.py", "--source", "missing.mp4", needs=("cv2",))
    assert shown.count("qr_code") >= 25
    assert "0 detections" in run("webcam.py", "--source", "missing.mp4", "--server", null_server, needs=("cv2",))


def test_every_frame_of_a_video() -> None:
    assert "30 frames: {'qr_code': " in run("video_file.py", needs=("cv2",))


@pytest.mark.parametrize("every", ["1", "4"])
def test_a_code_crosses_the_line_once(every: str) -> None:
    assert run("count_over_line.py", "--every", every, needs=("cv2",)) == "1 qr_code to the right\n"


def test_a_batch_of_tiles() -> None:
    assert "24 tiles: " in run("batch.py")


def test_boxes_are_drawn(tmp_path: Path) -> None:
    run("annotate.py", needs=("supervision", "cv2"), folder=tmp_path)
    assert (tmp_path / "marked.jpg").stat().st_size > 10_000


def test_speed_is_compared() -> None:
    needs = ("onnxruntime", "cv2")
    assert "times as fast" in run("compare_with_onnxruntime.py", "--seconds", "0.2", needs=needs)
    shared = Path(os.environ.get("FRAMEGATE_TEST_DATA", ROOT.parent / "shared"))
    model = shared / "models/yolox_nano.onnx"
    if not model.exists():
        pytest.skip(f"{model} is not here")
    photo = str(next((shared / "images").glob("*.jpg")))
    compared = run("compare_with_onnxruntime.py", str(model), "--photo", photo, "--seconds", "0.2", needs=needs)
    assert compared.count("times as fast") == 2
