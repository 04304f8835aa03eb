#!/usr/bin/env python3
"""Generates a data set in COCO's format with boxes of an invented detector, and pycocotools' figures for it.

    pip install pycocotools
    tests/yardsticks/coco.py --images 30 --seed 1 tests/integration/data/coco           what the tests compare with
    tests/yardsticks/coco.py --images 5000 --seed 2 --false-boxes 80 /tmp/coco          a larger one, to measure

writes labels.json, found.json (COCO's results form) and expected.json. Nothing in it is a photograph's: boxes are
drawn from the seed. It has whatever the rules distinguish: crowds, areas smaller than the box, equal scores, classes
that are never found or never labelled, and an image with more boxes than count. Boxes found are rounded to 32 bits,
in which Framegate keeps them.
"""

import argparse
import contextlib
import copy
import io
import json
import time
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

CATEGORIES = {1: "person", 2: "bicycle", 5: "airplane", 7: "train", 11: "hydrant", 16: "bird", 62: "chair", 90: "brush"}
NEVER_FOUND, NEVER_LABELLED, ONLY_CROWDS = 11, 62, 90
WIDTH, HEIGHT = 640, 480
# COCO's twelve numbers, as `framegate eval --json` names them.
NAMES = [
    "map50_95", "map50", "map75", "map_small", "map_medium", "map_large",
    "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large",
]


def random_box(random):
    width, height = np.exp(random.uniform(np.log(6), np.log(300), 2))
    x, y = random.uniform(0, WIDTH - width), random.uniform(0, HEIGHT - min(height, HEIGHT))
    return [x, y, width, min(height, HEIGHT)]


def generate(images, seed, false_boxes):
    random = np.random.default_rng(seed)
    labels = {
        "images": [],
        "annotations": [],
        "categories": [{"id": number, "name": name} for number, name in CATEGORIES.items()],
    }
    found = []

    def add_object(image, category, box, crowd=False):
        labels["annotations"].append({
            "id": len(labels["annotations"]) + 1,
            "image_id": image,
            "category_id": category,
            "bbox": box,
            "area": round(box[2] * box[3] * random.uniform(0.5, 1), 1),
            "iscrowd": int(crowd),
        })

    def add_found(image, category, box, score):
        x, y, width, height = (np.round(np.asarray(box) * 16) / 16).tolist()
        # So coarse that scores are equal now and then.
        score = round(score * 256) / 256
        box = [x, y, max(width, 1), max(height, 1)]
        found.append({"image_id": image, "category_id": category, "bbox": box, "score": score})

    # Numbers in another order than names.
    numbers = random.permutation(np.arange(1, images + 1) * 3)
    for index, image in enumerate(numbers.tolist()):
        name = f"{index:06}.jpg"
        labels["images"].append({"id": image, "file_name": name, "width": WIDTH, "height": HEIGHT})
        for _ in range(random.poisson(5)):
            category = int(random.choice([number for number in CATEGORIES if number != NEVER_LABELLED]))
            box = np.round(random_box(random), 2).tolist()
            crowd = category == ONLY_CROWDS or random.random() < 0.05
            add_object(image, category, box, crowd)
            if category == NEVER_FOUND:
                continue
            # Found well, badly, more than once, as something else, or not at all.
            for _ in range(random.choice([0, 1, 1, 2, 3]) + 2 * crowd):
                spread = random.choice([0.02, 0.08, 0.25])
                shift = random.normal(0, spread, 4) * [box[2], box[3], box[2], box[3]]
                other = int(random.choice([1, 2, NEVER_LABELLED])) if random.random() < 0.1 else category
                add_found(image, other, np.abs(box + shift), random.beta(3, 2))
        for _ in range(random.poisson(false_boxes)):
            category = int(random.choice([number for number in CATEGORIES if number != NEVER_FOUND]))
            add_found(image, category, random_box(random), random.beta(1, 5))
        if index == 0:
            # One object is found by a box beyond the best ten, another by one beyond the best hundred.
            for score in [0.3, 0.01]:
                box = np.round(random_box(random)).tolist()
                add_object(image, 1, box)
                add_found(image, 1, box, score)
            for _ in range(130):
                add_found(image, 1, random_box(random), random.uniform(0.1, 0.6))
    return labels, found


def evaluate(labels, found):
    """COCO's numbers, those of each class, and the seconds that matching and averaging took."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = labels
        truth.createIndex()
        # Adds to what it is given.
        evaluation = COCOeval(truth, truth.loadRes(copy.deepcopy(found)), "bbox")
        start = time.perf_counter()
        evaluation.evaluate()
        evaluation.accumulate()
        seconds = time.perf_counter() - start
        evaluation.summarize()

    def known(figure):
        return None if figure <= -1 else float(figure)

    # Overlaps, recalls, categories, sizes, most boxes.
    precision = evaluation.eval["precision"]
    classes = {}
    for index, number in enumerate(evaluation.params.catIds):
        of_class = precision[:, :, index, 0, 2]
        classes[CATEGORIES[number]] = {
            "ap50": known(np.mean(of_class[0])),
            "ap50_95": known(np.mean(of_class)),
        }
    figures = {name: known(figure) for name, figure in zip(NAMES, evaluation.stats)}
    return {"all": figures, "classes": classes}, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--false-boxes", type=float, default=4, help="mean per image")
    arguments = parser.parse_args()
    labels, found = generate(arguments.images, arguments.seed, arguments.false_boxes)
    expected, seconds = evaluate(labels, found)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, value in [("labels", labels), ("found", found), ("expected", expected)]:
        text = json.dumps(value, separators=(",", ":")) if name != "expected" else json.dumps(value, indent=2)
        (arguments.folder / f"{name}.json").write_text(text + "\n")
    print(f"{len(found)} boxes, {len(labels['annotations'])} objects: pycocotools took {seconds:.2f} s")


if __name__ == "__main__":
    main()
