"""Measures a model on generated crops: `python -m digits.validate digits.onnx --seed 9`. Take a seed that was not
trained with.

A text counts as read when it is at least as probable as `--confidence`, as `second_confidence` in a sidecar has it: the
sum over all ways to read it, computed here by PyTorch's loss.
"""

from __future__ import annotations

import argparse

import cv2
import numpy as np
import onnxruntime
import torch
from torch import Tensor

from codes.pools import Pools
from codes.random_source import RandomSource

from .crop import Fonts, make_crop
from .network import BLANK, CHARACTERS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="an exported model")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--confidence", type=float, nargs="+", default=[0.0, 0.5, 0.8, 0.9])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(arguments.model, options, providers=["CPUExecutionProvider"])
    pools, fonts = Pools(arguments.seed, 0, share=0.5), Fonts()
    results = []
    for number in range(arguments.count):
        crop = make_crop(RandomSource(arguments.seed, 0, 5, number), fonts, pools)
        image = crop.image.transpose(2, 0, 1)[None].astype(np.float32)
        cells = torch.from_numpy(session.run(None, {session.get_inputs()[0].name: image})[0])[0]
        text = best_path(cells)
        results.append((crop.text, text, probability(cells, text)))
    digits = [result for result in results if result[0]]
    empty = [result for result in results if not result[0]]
    print(f"{len(digits)} crops with digits, {len(empty)} without")
    for least in arguments.confidence:
        read = [(known, text) for known, text, score in digits if text and score >= least]
        right = sum(known == text for known, text in read)
        invented = sum(bool(text) and score >= least for _, text, score in empty)
        print(
            f"confidence {least}: read right {right / len(digits):.4f}, wrong {(len(read) - right) / len(digits):.4f}, "
            f"something where there is no digit {invented / max(1, len(empty)):.4f}"
        )


def best_path(cells: Tensor) -> str:
    """The text of the best class in each cell."""
    classes = torch.unique_consecutive(cells.argmax(1)).tolist()
    return "".join(CHARACTERS[number] for number in classes if number != BLANK)


def probability(cells: Tensor, text: str) -> float:
    """How probable a text is, over all ways to spread it over the cells."""
    target = torch.tensor([[CHARACTERS.index(character) for character in text]], dtype=torch.long)
    logarithms = cells.clamp_min(1e-12).log()[:, None]
    lengths = torch.tensor([len(cells)]), torch.tensor([len(text)])
    return float(torch.exp(-torch.nn.functional.ctc_loss(logarithms, target, *lengths, BLANK, reduction="sum")))


if __name__ == "__main__":
    main()
