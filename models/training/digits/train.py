"""Trains the model on generated crops: `python -m digits.train --seed 1 --images 400000`."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from codes.checkpoint import Averaged
from codes.pools import Pools
from codes.random_source import RandomSource
from codes.train import learning_rate, make_optimizer

from .crop import Crop, Fonts, make_crop
from .network import BLANK, CHARACTERS, DigitReader

ROUND = 50_000
"""Crops made from the same pools of textures."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--images", type=int, default=400_000, help="crops in all, each new")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--threads", type=int, default=1, help="threads that train")
    parser.add_argument("--output", type=Path, default=Path("runs/digits"))
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    arguments.output.mkdir(parents=True, exist_ok=True)
    model = DigitReader()
    optimizer = make_optimizer(model, arguments.rate)
    averaged = Averaged(model)
    steps = arguments.images // arguments.batch
    log = (arguments.output / "log.jsonl").open("w")
    total, started = 0.0, time.monotonic()
    for step, batch in zip(range(steps), batches(arguments.seed, arguments.batch)):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, arguments.rate)
        loss = loss_of(model(images_of(batch)), [crop.text for crop in batch])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        averaged.update(model, step)
        total += loss.item()
        if (step + 1) % 100 == 0:
            line = {"step": step + 1, "loss": round(total / 100, 4), "seconds": round(time.monotonic() - started)}
            print(json.dumps(line), file=log, flush=True)
            total = 0.0
        if (step + 1) % 500 == 0 or step + 1 == steps:
            torch.save(averaged.model.state_dict(), arguments.output / "last.pt")


def batches(seed: int, size: int) -> Iterator[list[Crop]]:
    """Endless batches; a crop depends on the seed and its number alone."""
    fonts, number, pools = Fonts(), 0, None
    while True:
        if number % ROUND < size:
            pools = Pools(seed, number // ROUND, share=0.5)
        yield [make_crop(RandomSource(seed, 0, 5, number + place), fonts, pools) for place in range(size)]
        number += size


def images_of(crops: list[Crop]) -> Tensor:
    """The network's input."""
    return torch.from_numpy(np.stack([crop.image for crop in crops])).permute(0, 3, 1, 2).float() / 255


def loss_of(logits: Tensor, texts: list[str]) -> Tensor:
    """The mean loss of a text under the scores of the cells."""
    cells = logits.log_softmax(2).transpose(0, 1)
    targets = torch.tensor([CHARACTERS.index(character) for text in texts for character in text], dtype=torch.long)
    lengths = torch.tensor([len(text) for text in texts])
    steps = torch.full((len(texts),), cells.shape[0])
    total = nn.functional.ctc_loss(cells, targets, steps, lengths, BLANK, reduction="sum", zero_infinity=True)
    return total / len(texts)


if __name__ == "__main__":
    main()
