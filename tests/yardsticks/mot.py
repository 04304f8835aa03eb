#!/usr/bin/env python3
"""Generates a sequence with labels of the MOTChallenge and tracks of an invented tracker, and TrackEval's figures.

    pip install trackeval
    tests/yardsticks/mot.py --frames 120 --seed 1 tests/integration/data/mot      what the tests compare with

writes gt.txt, tracks.txt (the same form) and expected.json. Objects walk, cross and leave; the tracker misses some,
takes noise for objects, changes numbers and swaps them. Frames without objects and without tracks occur.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from trackeval.metrics import CLEAR, HOTA, Identity


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
    # Lines that do not count: another class, and what is marked so.
    truth.append([5, 77, 100, 100, 50, 50, 1, 3, 1.0])
    truth.append([5, 78, 300, 100, 50, 50, 0, 1, 1.0])
    return truth, found


def evaluate(truth, found, frames):
    counted = [line for line in truth if line[6] == 1 and line[7] == 1]
    objects = {number: index for index, number in enumerate(dict.fromkeys(line[1] for line in counted))}
    tracks = {number: index for index, number in enumerate(dict.fromkeys(line[1] for line in found))}

    def of_frame(lines, frame):
        return [line for line in lines if line[0] == frame]

    def iou(a, b):
        width = min(a[2] + a[4], b[2] + b[4]) - max(a[2], b[2])
        height = min(a[3] + a[5], b[3] + b[5]) - max(a[3], b[3])
        shared = max(width, 0) * max(height, 0)
        return shared / (a[4] * a[5] + b[4] * b[5] - shared)

    data = {"gt_ids": [], "tracker_ids": [], "similarity_scores": []}
    for frame in range(1, frames + 1):
        here, seen = of_frame(counted, frame), of_frame(found, frame)
        data["gt_ids"].append(np.array([objects[line[1]] for line in here], dtype=int))
        data["tracker_ids"].append(np.array([tracks[line[1]] for line in seen], dtype=int))
        overlaps = [[iou(a, b) for b in seen] for a in here]
        data["similarity_scores"].append(np.array(overlaps, dtype=float).reshape(len(here), len(seen)))
    data.update(
        num_gt_ids=len(objects), num_tracker_ids=len(tracks), num_gt_dets=len(counted), num_tracker_dets=len(found),
        num_timesteps=frames,
    )
    hota = HOTA().eval_sequence(data)
    clear = CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
    identity = Identity({"PRINT_CONFIG": False}).eval_sequence(data)
    return {
        "frames": frames,
        "objects": len(objects),
        "boxes": len(counted),
        "tracks": len(tracks),
        "tracked_boxes": len(found),
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
    expected = evaluate(truth, found, arguments.frames)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, lines in [("gt", truth), ("tracks", found)]:
        text = "".join(",".join(f"{number:g}" for number in line) + "\n" for line in lines)
        (arguments.folder / f"{name}.txt").write_text(text)
    (arguments.folder / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")
    print(expected)


if __name__ == "__main__":
    main()
