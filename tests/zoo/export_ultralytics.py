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
    "u-yolo26n-half": ("yolo26n.yaml", {"half": True}),
    "u-yolo26n-dynamic": ("yolo26n.yaml", {"dynamic": True}),
}


def export(name, description, options, folder):
    """Writes one file into the folder."""
    from ultralytics import RTDETR, YOLO

    family = RTDETR if description.startswith("rtdetr") else YOLO
    with tempfile.TemporaryDirectory() as scratch:
        home = Path.cwd()
        os.chdir(scratch)
        try:
            written = family(description).export(format="onnx", device="cpu", **options)
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
