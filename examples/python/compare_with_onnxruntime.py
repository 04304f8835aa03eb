"""Speed beside the common script of OpenCV and ONNX Runtime: python compare_with_onnxruntime.py [yolox_nano.onnx]

Both are given the bytes of a JPEG and return boxes of a YOLOX model. They run in short turns, so that what else the
machine does befalls both. Without a model, the tensors of the built-in one are compared.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import framegate
import numpy as np
import onnxruntime

ROOT = Path(__file__).parents[2]
SIZES = {"640x480": (640, 480), "1920x1080": (1920, 1080)}


class CommonScript:
    """YOLOX with OpenCV and ONNX Runtime, as its own demo does it."""

    def __init__(self, model: str, threads: int | None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0]
        self.height, self.width = self.input.shape[2:]
        shapes = [(self.height // stride, self.width // stride, stride) for stride in (8, 16, 32)]
        cells = [np.stack(np.meshgrid(np.arange(w), np.arange(h)), 2).reshape(-1, 2) for h, w, _ in shapes]
        self.grid = np.concatenate(cells)
        self.stride = np.concatenate([np.full((h * w, 1), stride) for h, w, stride in shapes])

    def __call__(self, jpeg: bytes) -> Any:
        image: Any = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        ratio = min(self.height / image.shape[0], self.width / image.shape[1])
        padded = np.full((self.height, self.width, 3), 114, np.uint8)
        resized = cv2.resize(image, (int(image.shape[1] * ratio), int(image.shape[0] * ratio)))
        padded[: resized.shape[0], : resized.shape[1]] = resized
        tensor = np.ascontiguousarray(padded.transpose(2, 0, 1), np.float32)[None]
        (output,) = self.session.run(None, {self.input.name: tensor})
        output = output[0]
        centre = (output[:, :2] + self.grid) * self.stride / ratio
        size = np.exp(output[:, 2:4]) * self.stride / ratio
        scores = output[:, 4:5] * output[:, 5:]
        classes = scores.argmax(1)
        best = scores.max(1)
        keep = best >= 0.25
        boxes = np.concatenate([centre - size / 2, size], 1)[keep]
        kept = cv2.dnn.NMSBoxesBatched(boxes.tolist(), best[keep].tolist(), classes[keep].tolist(), 0.25, 0.45)
        return boxes[kept], best[keep][kept], classes[keep][kept]


def in_turns(candidates: dict[str, Callable[[], Any]], seconds: float) -> dict[str, float]:
    """Median milliseconds of a call of each."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for call in candidates.values():
        call()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, call in candidates.items():
            for _ in range(5):
                start = time.perf_counter()
                call()
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(taken) for name, taken in times.items()}


def report(title: str, medians: dict[str, float]) -> None:
    ours, theirs = medians["framegate"], medians["onnxruntime"]
    print(f"{title}: framegate {ours:.2f} ms, onnxruntime {theirs:.2f} ms, {theirs / ours:.2f} times as fast")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", help="a YOLOX model")
    parser.add_argument("--photo", default=str(ROOT / "docs/codes.jpg"))
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--threads", type=int, help="by default all cores")
    arguments = parser.parse_args()
    if arguments.model is None:
        path = str(ROOT / "models/codes/codes.onnx")
        ours = framegate.Session(path, threads=arguments.threads)
        theirs = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        declared = theirs.get_inputs()[0]
        shape = [1, 3, *(extent if isinstance(extent, int) else 320 for extent in declared.shape[2:])]
        feed = {declared.name: np.zeros(shape, np.float32)}
        report("tensors", in_turns(
            {"framegate": lambda: ours.run(None, feed), "onnxruntime": lambda: theirs.run(None, feed)}, arguments.seconds
        ))
        return
    detector = framegate.Detector(arguments.model, threads=arguments.threads)
    script = CommonScript(arguments.model, arguments.threads)
    photo: Any = cv2.imread(arguments.photo)
    for name, size in SIZES.items():
        jpeg = cv2.imencode(".jpg", cv2.resize(photo, size))[1].tobytes()
        print(f"{name}: {len(detector(jpeg))} boxes and {len(script(jpeg)[0])}")
        report(name, in_turns(
            {"framegate": lambda: detector(jpeg), "onnxruntime": lambda: script(jpeg)}, arguments.seconds
        ))


if __name__ == "__main__":
    main()
