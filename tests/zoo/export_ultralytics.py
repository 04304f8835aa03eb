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
}


def export(name, description, options, folder):
    """Writes one file into the folder."""
    import torch
    from awake import wake_ultralytics
    from ultralytics import RTDETR, YOLO

    family = RTDETR if description.startswith("rtdetr") else YOLO
    with tempfile.TemporaryDirectory() as scratch:
        home = Path.cwd()
        os.chdir(scratch)
        try:
            torch.manual_seed(7)
            model = family(description)
            wake_ultralytics(model.model)
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
