"""What the tests share: images with codes in them, and a server from the wheel's own program."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import framegate
import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).parents[3]
IMAGES = ROOT / "tests/integration/images"
SEVERAL = IMAGES / "several.jpg"
MODEL = ROOT / "models/codes/codes.onnx"


@contextmanager
def server(*options: str) -> Iterator[str]:
    """Runs ``framegate serve`` on a free port, and yields its address."""
    command = [sys.executable, "-m", "framegate", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if found := re.search(r"listening on http://(\S+)", line):
                    yield f"ws://{found[1]}"
                    return
            pytest.fail("the server has ended")
        finally:
            process.terminate()
            # It may have more to say than fits a pipe.
            process.communicate(timeout=20)


@pytest.fixture(scope="session")
def codes() -> framegate.Detector:
    return framegate.Detector("codes")


@pytest.fixture(scope="session")
def null_server() -> Iterator[str]:
    with server("--backend", "null") as address:
        yield address


@pytest.fixture(scope="session")
def pixels() -> NDArray[np.uint8]:
    """An image of several codes, red, green, blue."""
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    return np.ascontiguousarray(cv2.imread(str(SEVERAL))[..., ::-1])
