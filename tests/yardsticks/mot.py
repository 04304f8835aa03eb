#!/usr/bin/env python3
"""Generates a sequence with labels of the MOTChallenge and tracks of an invented tracker, and TrackEval's figures.

    pip install trackeval
    tests/yardsticks/mot.py --frames 120 --seed 1 tests/integration/data/mot      what the tests compare with

writes gt.txt, tracks.txt (the same form) and expected.json. Objects walk, cross and leave; the tracker misses some,
takes noise for objects, changes numbers and swaps them. Frames without objects and without tracks occur. Among the
objects are others that do not count, distractors and those that are not, which the tracker takes for objects.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from trackeval.datasets import MotChallenge2DBox
from trackeval.metrics import CLEAR, HOTA, Identity

CLASSES = range(1, 14)  # of MOT17: 1 is pedestrian; 2, 7, 8 and 12 are distractors, in MOT20 also 6


def generate(frames, seed, walkers=14):
    random = np.random.default_rng(seed)
    start = random.uniform([0, 0], [1800, 900], (walkers, 2))
    speed = random.uniform([-6, -3], [6, 3], (walkers, 2))
    size = random.uniform(40, 90, walkers)
    first = random.integers(2, frames // 2, walkers)
    last = first + random.integers(frames // 4, frames, walkers)
    numbers = np.arange(1, walkers + 1) * 10
    following = 1000
    truth, found = [], []
    for frame in range(1, frames + 1):
        here = [w for w in range(walkers) if first[w] <= frame < last[w]]
        if random.random() < 0.03 and len(here) > 1:
            one, other = random.choice(here, 2, replace=False)
            numbers[[one, other]] = numbers[[other, one]]
        for w in here:
            x, y = np.mod(start[w] + speed[w] * frame, [1800, 900])
            box = np.round([x, y, size[w], 2 * size[w]], 2)
            truth.append([frame, w + 1, *box, 1, 1, 1.0])
            if random.random() < 0.02:
                following += 1
                numbers[w] = following
            if random.random() < 0.9 and frame % 40 != 7:
                noise = random.normal(0, random.choice([0.03, 0.15]), 4) * [size[w], size[w], size[w], size[w]]
                found.append([frame, numbers[w], *np.round(box + noise, 2)])
        for _ in range(random.poisson(0.5)):
            following += 1
            found.append([frame, following, *np.round(random.uniform([0, 0, 30, 60], [1700, 800, 90, 180]), 2)])
    # Others: beside objects and by themselves, followed or not, counting or not.
    others = [line for line in truth if random.random() < 0.2]
    for number, line in enumerate(others):
        shift = random.choice([0.1, 0.3, 3.0]) * line[4]
        box = np.round(np.add(line[2:6], [shift, 0, 0, 0]), 2)
        truth.append([line[0], 5000 + number, *box, random.integers(2), random.choice(CLASSES), 1.0])
        if random.random() < 0.5:
            following += 1
            found.append([line[0], following, *np.round(box + random.normal(0, 3, 4), 2)])
    # An object that is hidden, for a part of its way.
    for line in truth:
        if line[1] == 3 and line[0] % 3 == 0:
            line[6] = 0
    return truth, found


def evaluate(folder, frames, benchmark):
    """TrackEval's own evaluation, with its preparation of the labels, of the files in a folder."""
    with tempfile.TemporaryDirectory() as root:
        sequence = Path(root, "labels", f"{benchmark}-train", "S")
        tracker = Path(root, "trackers", f"{benchmark}-train", "T", "data")
        (sequence / "gt").mkdir(parents=True)
        tracker.mkdir(parents=True)
        (sequence / "gt" / "gt.txt").write_text((folder / "gt.txt").read_text())
        lines = (folder / "tracks.txt").read_text().splitlines()
        (tracker / "S.txt").write_text("".join(f"{line},1,-1,-1,-1\n" for line in lines))
        dataset = MotChallenge2DBox({
            "GT_FOLDER": f"{root}/labels", "TRACKERS_FOLDER": f"{root}/trackers", "BENCHMARK": benchmark,
            "SEQ_INFO": {"S": frames}, "PRINT_CONFIG": False,
        })
        raw = dataset.get_raw_seq_data("T", "S")
    reported = sum(len(ids) for ids in raw["tracker_ids"])
    data = dataset.get_preprocessed_seq_data(raw, "pedestrian")
    hota = HOTA().eval_sequence(data)
    clear = CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
    identity = Identity({"PRINT_CONFIG": False}).eval_sequence(data)
    return {
        "frames": frames,
        "objects": data["num_gt_ids"],
        "boxes": data["num_gt_dets"],
        "tracks": data["num_tracker_ids"],
        "tracked_boxes": data["num_tracker_dets"],
        "on_distractors": reported - data["num_tracker_dets"],
        "mota": float(clear["MOTA"]),
        "motp": float(clear["MOTP"]),
        "missed": int(clear["CLR_FN"]),
        "false_boxes": int(clear["CLR_FP"]),
        "switches": int(clear["IDSW"]),
        "idf1": float(identity["IDF1"]),
        "hota": float(np.mean(hota["HOTA"])),
        "det_a": float(np.mean(hota["DetA"])),
        "ass_a": float(np.mean(hota["AssA"])),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    truth, found = generate(arguments.frames, arguments.seed)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, lines in [("gt", truth), ("tracks", found)]:
        text = "".join(",".join(f"{number:g}" for number in line) + "\n" for line in lines)
        (arguments.folder / f"{name}.txt").write_text(text)
    expected = {
        benchmark.lower(): evaluate(arguments.folder, arguments.frames, benchmark) for benchmark in ["MOT17", "MOT20"]
    }
    (arguments.folder / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")
    print(expected)


if __name__ == "__main__":
    main()
