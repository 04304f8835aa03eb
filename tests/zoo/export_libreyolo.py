"""Exports LibreYOLO's detectors with random weights, the smallest of each family.

    python export_libreyolo.py FOLDER [NAME ...]
"""

import inspect
import os
import shutil
import sys
import tempfile
from pathlib import Path

import libreyolo
import torch

NAMES = ["YOLOX", "YOLO9", "YOLO9E2E", "YOLONAS", "DFINE", "DETR", "DeformableDETR", "DINODETR", "LWDETR", "FCOS", "RetinaNet",
         "SSD", "CenterNet", "EfficientDet", "EC", "PICODET", "PPYOLOE", "RTDETRv2", "RTMDet", "YOLO1", "YOLO2",
         "YOLO3", "YOLO4", "YOLO7", "FasterRCNN", "MaskRCNN", "HRNet", "DEKR", "FOMO"]


def export(name, folder):
    """Writes one file, and its weights if they are in another."""
    kind = getattr(libreyolo, f"Libre{name}")
    options = {"size": next(iter(kind.INPUT_SIZES)), "device": "cpu"}
    if "model_path" in inspect.signature(kind.__init__).parameters:
        options["model_path"] = None
    torch.manual_seed(7)
    written = Path(kind(**options).export(format="onnx", simplify=False)).resolve()
    for weights in written.parent.glob("*.data"):
        shutil.move(weights, folder / weights.name)
    shutil.move(written, folder / f"{name.lower()}.onnx")


def main():
    folder = Path(sys.argv[1]).resolve()
    for name in sys.argv[2:] or NAMES:
        if (folder / f"{name.lower()}.onnx").exists():
            continue
        with tempfile.TemporaryDirectory() as scratch:
            home = Path.cwd()
            os.chdir(scratch)
            try:
                export(name, folder)
                print(f"exported {name}", flush=True)
            except Exception as error:  # Some want weights from elsewhere.
                print(f"not exported {name}: {type(error).__name__}: {error}"[:200], flush=True)
            finally:
                os.chdir(home)


if __name__ == "__main__":
    main()
