"""Exports Ultralytics' tasks and export options, with random weights, as their own tool writes them.

    python export_ultralytics.py FOLDER [NAME ...]

Each file is exported once; those that exist are kept. Needs `ultralytics` (see `scripts/zoo`).
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ.update(YOLO_OFFLINE="true", YOLO_VERBOSE="false", OMP_NUM_THREADS="2")

# name → (model description, export options)
EXPORTS = {
    # Every task of the current families.
    **{
        f"u-{family}n{task}": (f"{family}n{task}.yaml", {})
        for family in ("yolov8", "yolo11", "yolo26")
        for task in ("", "-cls", "-seg", "-pose", "-obb")
    },
    # Older and other detectors.
    **{
        f"u-{family}": (f"{family}.yaml", {})
        for family in ("yolov3-tiny", "yolov5n", "yolov6n", "yolov8n-p2", "yolov8n-p6", "yolov9t",
                       "yolov10n", "yolo12n", "rtdetr-l")
    },
    # What the exporter can be asked for.
    "u-yolov8n-320": ("yolov8n.yaml", {"imgsz": 320}),
    "u-yolov8n-wide": ("yolov8n.yaml", {"imgsz": [320, 640]}),
    "u-yolov8n-dynamic": ("yolov8n.yaml", {"dynamic": True}),
    "u-yolov8n-plain": ("yolov8n.yaml", {"simplify": False}),
    "u-yolov8n-half": ("yolov8n.yaml", {"half": True}),
    "u-yolov8n-batch4": ("yolov8n.yaml", {"batch": 4}),
    "u-yolov8n-opset12": ("yolov8n.yaml", {"opset": 12}),
    "u-yolov8n-opset20": ("yolov8n.yaml", {"opset": 20}),
    **{
        f"u-{family}{task}-nms": (f"{family}{task}.yaml", {"nms": True})
        for family in ("yolov8n", "yolo11n")
        for task in ("", "-seg", "-pose", "-obb")
    },
    "u-yolo11n-seg-half": ("yolo11n-seg.yaml", {"half": True}),
    "u-yolo11n-pose-dynamic": ("yolo11n-pose.yaml", {"dynamic": True}),
    "u-yolo11n-obb-320": ("yolo11n-obb.yaml", {"imgsz": 320}),
    # `nms=False` keeps the end2end head.
    **{f"u-yolo26n{task}-end2end": (f"yolo26n{task}.yaml", {"nms": False}) for task in ("", "-seg", "-pose", "-obb")},
    "u-yolov10n-end2end": ("yolov10n.yaml", {"nms": False}),
    "u-yolo26n-end2end-half": ("yolo26n.yaml", {"nms": False, "half": True}),
    "u-yolo26n-end2end-dynamic": ("yolo26n.yaml", {"nms": False, "dynamic": True}),
    "u-yolo26n-nms": ("yolo26n.yaml", {"nms": True}),
    "u-yolov8n-nms-agnostic": ("yolov8n.yaml", {"nms": True, "agnostic_nms": True, "max_det": 50, "conf": 0.1}),
    "u-yolov8n-nms-plain": ("yolov8n.yaml", {"nms": True, "simplify": False}),
    "u-yolov8n-nms-half": ("yolov8n.yaml", {"nms": True, "half": True}),
    "u-yolov8n-nms-batch2": ("yolov8n.yaml", {"nms": True, "batch": 2}),
    "u-yolov8n-nms-dynamic": ("yolov8n.yaml", {"nms": True, "dynamic": True, "batch": 2}),
    "u-yolov8n-opset9": ("yolov8n.yaml", {"opset": 9}),
    "u-yolov8n-opset16": ("yolov8n.yaml", {"opset": 16}),
    "u-yolo11n-seg-dynamic": ("yolo11n-seg.yaml", {"dynamic": True}),
    "u-yolo11n-seg-batch2": ("yolo11n-seg.yaml", {"batch": 2}),
    "u-yolo11n-obb-half": ("yolo11n-obb.yaml", {"half": True}),
    "u-yolov8n-cls-64": ("yolov8n-cls.yaml", {"imgsz": 64}),
    "u-rtdetr-l-half": ("rtdetr-l.yaml", {"half": True, "imgsz": 320}),
    "u-rtdetr-l-dynamic": ("rtdetr-l.yaml", {"dynamic": True, "imgsz": 320}),
    # Relatives.
    **{
        f"u-{name}": (f"{name}.yaml", {"imgsz": 320})
        for name in ("yolov9c-seg", "yolov5n-p6", "yolov8n-ghost", "yolov8n-rtdetr", "yolo12n-seg", "yolo12n-pose",
                     "yolo12n-obb", "yolo12n-cls", "yolov8n-world", "yolov8n-worldv2", "yoloe-11n-seg",
                     "yolo26n-sem", "yolo26n-depth", "yolo26n-p2")
    },
    "u-yolo26n-half": ("yolo26n.yaml", {"half": True}),
    "u-yolo26n-dynamic": ("yolo26n.yaml", {"dynamic": True}),
    # Detectors that get their classes in words, and are exported with them.
    "u-yolov8s-world": ("yolov8s-world.yaml", {"imgsz": 384}),
    "u-yolov8s-worldv2": ("yolov8s-worldv2.yaml", {"imgsz": 320}),
    "u-yolov8s-worldv2-nms": ("yolov8s-worldv2.yaml", {"imgsz": 320, "nms": True}),
    **{f"u-{name}": (f"{name}.yaml", {"imgsz": 320})
       for name in ("yoloe-11s", "yoloe-11s-seg", "yoloe-v8s-seg", "yoloe-26s-seg")},
    # Quantised by Ultralytics itself.
    "u-yolo11n-int8": ("yolo11n.yaml", {"imgsz": 320, "int8": True}),
}
# The words, and the length of what a language model makes of one.
WORDS, EMBEDDED = ["person", "red bus", "dog"], 512


def with_words(model):
    """Gives an open-vocabulary model random numbers in place of what CLIP, which must be downloaded, makes of words."""
    import torch
    from ultralytics import YOLOE

    embedded = torch.nn.functional.normalize(torch.randn(1, len(WORDS), EMBEDDED), dim=-1)
    if isinstance(model, YOLOE):
        model.model.set_classes(WORDS, embedded)
        return
    model.model.txt_feats = embedded
    model.model.model[-1].nc = len(WORDS)
    model.model.names = dict(enumerate(WORDS))


def images_to_calibrate_with(folder):
    """A data set of one photograph, several times; the path of its description."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    photograph = Path(__file__).parents[1] / "integration/images/several.jpg"
    for index in range(4):
        shutil.copyfile(photograph, folder / f"images/{index}.jpg")
        (folder / f"labels/{index}.txt").write_text("0 0.5 0.5 0.3 0.3\n")
    names = "".join(f"  {number}: class {number}\n" for number in range(80))
    description = folder / "data.yaml"
    description.write_text(f"path: {folder}\ntrain: images\nval: images\nnames:\n{names}")
    return str(description)


def export(name, description, options, folder):
    """Writes one file into the folder."""
    import torch
    from awake import wake_ultralytics
    from ultralytics import RTDETR, YOLO, YOLOE, YOLOWorld

    kinds = {"rtdetr": RTDETR, "yoloe": YOLOE, "yolov8s-world": YOLOWorld}
    family = next((kind for start, kind in kinds.items() if description.startswith(start)), YOLO)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path.cwd()
        os.chdir(scratch)
        try:
            torch.manual_seed(7)
            model = family(description)
            if family is YOLOE:
                with_words(model)
            else:
                wake_ultralytics(model.model)
            if family is YOLOWorld:
                with_words(model)
            if options.get("int8"):
                options = options | {"data": images_to_calibrate_with(Path(scratch))}
            written = model.export(format="onnx", device="cpu", **options)
            shutil.move(Path(written).resolve(), folder / f"{name}.onnx")
        finally:
            os.chdir(home)


def main():
    folder = Path(sys.argv[1]).resolve()
    wanted = sys.argv[2:] or EXPORTS
    for name in wanted:
        if (folder / f"{name}.onnx").exists():
            continue
        description, options = EXPORTS[name]
        try:
            export(name, description, options, folder)
            print(f"exported {name}", flush=True)
        except Exception as error:  # One that its own tool cannot write is reported, not hidden.
            print(f"not exported {name}: {type(error).__name__}: {error}", flush=True)


if __name__ == "__main__":
    main()
