"""From JPEG to the network's input, beside OpenCV and Pillow, on one thread each.

    pip install opencv-python-headless pillow numpy
    python3 benches/peers/preprocessing.py IMAGES MODEL.onnx target/release/framegate

All three take turns. Ours is measured by `framegate bench` on the backend `null`, with one thread: its
stages decode, resize and normalise. The others do the same work the way their users write it: OpenCV by
imdecode, resize and blobFromImage, Pillow by open, resize and NumPy.
"""

import io
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np
from PIL import Image

SIDE = 416
FILL = 114
ROUNDS = 7


def letterboxed(width, height):
    ratio = min(SIDE / width, SIDE / height)
    return int(width * ratio), int(height * ratio)


def opencv(jpeg):
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    width, height = letterboxed(image.shape[1], image.shape[0])
    canvas = np.full((SIDE, SIDE, 3), FILL, np.uint8)
    canvas[:height, :width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.dnn.blobFromImage(canvas)


def pillow(jpeg):
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    size = letterboxed(*image.size)
    canvas = np.full((SIDE, SIDE, 3), FILL, np.uint8)
    resized = image.resize(size, Image.Resampling.BILINEAR)
    canvas[: size[1], : size[0]] = np.asarray(resized)[:, :, ::-1]
    return np.ascontiguousarray(canvas.transpose(2, 0, 1), dtype=np.float32)[None]


def timed(prepare, images):
    """Median milliseconds per image."""
    times = []
    for jpeg in images:
        start = time.perf_counter()
        prepare(jpeg)
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def framegate(program, images, model):
    """The same, of the sum of the stages' medians."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        command = [program, "bench", "--model", model, "--backend", "null", "--threads", "1"]
        command += ["--images", images, "--seconds", "1", "--json", report.name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        stages = json.load(report)["runs"][0]["stages_ms"]
    return sum(stages[stage]["median"] for stage in ("decode", "resize", "normalise"))


def main(images, model, program):
    cv2.setNumThreads(1)
    files = sorted(pathlib.Path(images).glob("*.jpg"))
    images = [file.read_bytes() for file in files]
    contenders = {
        "framegate": lambda: framegate(program, images, model),
        "OpenCV": lambda: timed(opencv, images),
        "Pillow": lambda: timed(pillow, images),
    }
    rounds = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, measure in contenders.items():
            rounds[name].append(measure())
    ours = statistics.median(rounds["framegate"])
    print(f"{len(images)} images to {SIDE}x{SIDE}, ms per image, median of {ROUNDS} rounds")
    for name, measured in rounds.items():
        median = statistics.median(measured)
        print(f"{name:<10} {median:6.2f}  {median / ours:5.2f} x framegate  {min(measured):.2f} at best")


if __name__ == "__main__":
    main(*sys.argv[1:])
