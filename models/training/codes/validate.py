"""Measures a model on labelled photographs: `python -m codes.validate MODEL --images DIR --labels DIR/codes.json`.

A labelled code is found when a box of its class with score ≥ 0.30 contains the label's centre and its longer side is
within half and twice the label's. Photographs with an empty list of codes count as negatives; so do all of
`--negatives DIR`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch

from .boxes import Detection, cells_of, choose, decode
from .checkpoint import load_averaged
from .classes import CLASS_NAMES
from .sample import FILL

LEAST_SCORE = 0.30
LEAST_RATIO, MOST_RATIO = 0.5, 2.0

Model = Callable[[np.ndarray], np.ndarray]
"""From a letterboxed image (side × side × 3, bytes) to rows with probabilities."""


def load_model(path: Path, threads: int) -> Model:
    """An exported model through ONNX Runtime, or a checkpoint through PyTorch."""
    if path.suffix == ".onnx":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda image: session.run(None, {name: image.transpose(2, 0, 1)[None].astype(np.float32)})[0][0]
    torch.set_num_threads(threads)
    model = load_averaged(path)

    def infer(image: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            rows = model(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255)[0]
        return torch.cat([rows[:, :4], rows[:, 4:].sigmoid()], dim=1).numpy()

    return infer


def detect(model: Model, image: np.ndarray, side: int, least_score: float = LEAST_SCORE) -> list[Detection]:
    """The codes in a photograph of any size, in its pixels."""
    scale = side / max(image.shape[:2])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    boxed = np.full((side, side, 3), FILL, np.uint8)
    boxed[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    rows = model(boxed)
    boxes = decode(torch.from_numpy(rows), cells_of(side)).numpy() / scale
    return choose(boxes, rows[:, 4:5] * rows[:, 5:], least_score)


def is_found(code: dict, detections: list[Detection]) -> bool:
    """Whether one of the detections is the labelled code."""
    x, y = code["x"] + code["w"] / 2, code["y"] + code["h"] / 2
    longer = max(code["w"], code["h"])
    for detection in detections:
        left, top, right, bottom = detection.box
        ratio = max(right - left, bottom - top) / longer
        inside = left <= x <= right and top <= y <= bottom
        if CLASS_NAMES[detection.label] == code["label"] and inside and LEAST_RATIO <= ratio <= MOST_RATIO:
            return True
    return False


@dataclass
class Tally:
    """What was counted."""

    labelled: Counter = field(default_factory=Counter)
    found: Counter = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)
    negatives: int = 0
    false_boxes: int = 0
    false_alarms: list[str] = field(default_factory=list)

    def add_positive(self, name: str, codes: list[dict], detections: list[Detection]) -> None:
        for code in codes:
            self.labelled[code["label"]] += 1
            if is_found(code, detections):
                self.found[code["label"]] += 1
            else:
                self.misses.append(f"{name}: {code['label']} ({code['format']}); saw {_describe(detections)}")

    def add_negative(self, name: str, detections: list[Detection]) -> None:
        self.negatives += 1
        self.false_boxes += len(detections)
        if detections:
            self.false_alarms.append(f"{name}: {_describe(detections)}")

    def report(self) -> str:
        lines = [
            f"{name:12} {self.found[name]:4} of {self.labelled[name]:4}  {self.found[name] / self.labelled[name]:.3f}"
            for name in CLASS_NAMES
            if self.labelled[name]
        ]
        total = sum(self.labelled.values())
        if total:
            lines.append(f"{'all':12} {sum(self.found.values()):4} of {total:4}  {sum(self.found.values()) / total:.3f}")
        if self.negatives:
            share = self.false_boxes / self.negatives
            lines.append(f"{self.false_boxes} false boxes in {self.negatives} images without codes: {share:.3f}")
        return "\n".join(lines)


def _describe(detections: list[Detection]) -> str:
    seen = [f"{CLASS_NAMES[one.label]} {one.score:.2f} {one.box.round().astype(int).tolist()}" for one in detections]
    return ", ".join(seen) or "nothing"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="an exported .onnx or a checkpoint")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--negatives", type=Path, help="a folder of photographs without codes")
    parser.add_argument("--side", type=int, default=416)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--misses", action="store_true", help="list what was missed and what was seen wrongly")
    parser.add_argument("--sweep", action="store_true", help="recall and false boxes at other scores too")
    arguments = parser.parse_args()
    model = load_model(arguments.model, arguments.threads)
    labels = {name: entry["codes"] for name, entry in json.loads(arguments.labels.read_text()).items()}
    files = [(arguments.images / name, codes) for name, codes in labels.items()]
    if arguments.negatives:
        files += [(path, []) for path in sorted(arguments.negatives.iterdir()) if path.suffix in (".jpg", ".png")]
    least = 0.05 if arguments.sweep else LEAST_SCORE
    tallies: dict[float, Tally] = defaultdict(Tally)
    thresholds = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9) if arguments.sweep else (LEAST_SCORE,)
    for path, codes in files:
        everything = detect(model, cv2.imread(str(path)), arguments.side, least)
        for threshold in thresholds:
            detections = [one for one in everything if one.score >= threshold]
            if codes:
                tallies[threshold].add_positive(path.name, codes, detections)
            else:
                tallies[threshold].add_negative(path.name, detections)
    for threshold in thresholds:
        print(f"score ≥ {threshold}\n{tallies[threshold].report()}\n")
    if arguments.misses:
        print("Missed:", *tallies[LEAST_SCORE].misses, sep="\n  ")
        print("False:", *tallies[LEAST_SCORE].false_alarms, sep="\n  ")


if __name__ == "__main__":
    main()
