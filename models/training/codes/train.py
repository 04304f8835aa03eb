"""Trains the model on generated images: `python -m codes.train --seed 1 --images 1000000`.

Run again with the same arguments, it goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import torch
from torch import nn

from . import checkpoint
from .assign import Targets
from .boxes import cells_of
from .checkpoint import Averaged
from .dataset import batches
from .losses import losses
from .network import CodeDetector, count_macs


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--images", type=int, default=1_000_000, help="images in all, each new")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--side", type=int, default=416, help="width and height of the images")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--workers", type=int, default=1, help="processes that make images")
    parser.add_argument("--threads", type=int, default=1, help="threads that train")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--full-precision", action="store_true", help="no bfloat16")
    parser.add_argument("--checkpoint-every", type=int, default=12_800, help="images between checkpoints")
    parser.add_argument("--keep", action="store_true", help="keep a copy of every checkpoint")
    parser.add_argument("--start-from", type=Path, help="weights to begin with: a checkpoint of another run")
    parser.add_argument("--output", type=Path, default=Path("runs/codes"))
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    arguments.output.mkdir(parents=True, exist_ok=True)
    device = torch.device(arguments.device)
    model = CodeDetector().to(device, memory_format=torch.channels_last)
    optimizer = make_optimizer(model, arguments.rate)
    averaged = Averaged(model)
    path = arguments.output / "last.pt"
    step = restore(path, arguments.start_from, model, averaged, optimizer)
    steps = arguments.images // arguments.batch
    print(
        f"{sum(p.numel() for p in model.parameters()):,} parameters, "
        f"{count_macs(averaged.model, arguments.side) / 1e9:.3f} GMAC, step {step} of {steps}",
        flush=True,
    )
    cells = cells_of(arguments.side, device)
    source = batches(arguments.seed, arguments.side, arguments.batch, step, arguments.workers)
    log = (arguments.output / "log.jsonl").open("a")
    sums, seen, started = [0.0, 0.0, 0.0], 0, time.monotonic()
    while step < steps:
        batch = next(source)
        rate = learning_rate(step, steps, arguments.rate)
        for group in optimizer.param_groups:
            group["lr"] = rate
        images = batch.images.to(device).permute(0, 3, 1, 2).float().div_(255)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=not arguments.full_precision):
            rows = model(images.contiguous(memory_format=torch.channels_last))
        found = losses(rows, Targets(batch.boxes.to(device), batch.labels.to(device)), cells)
        optimizer.zero_grad(set_to_none=True)
        found.total.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        averaged.update(model, step)
        step += 1
        seen += 1
        for place, part in enumerate((found.box, found.objectness, found.label)):
            sums[place] += part.item()
        if step % 50 == 0:
            elapsed = time.monotonic() - started
            line = {
                "step": step,
                "rate": round(rate, 6),
                **{name: round(value / seen, 4) for name, value in zip(("box", "objectness", "label"), sums)},
                "images_per_second": round(seen * arguments.batch / elapsed, 1),
            }
            print(json.dumps(line), file=log, flush=True)
            sums, seen, started = [0.0, 0.0, 0.0], 0, time.monotonic()
        if step % max(1, arguments.checkpoint_every // arguments.batch) == 0 or step == steps:
            checkpoint.save(path, model, averaged, optimizer, step)
            if arguments.keep:
                checkpoint.save(arguments.output / f"step-{step:07}.pt", model, averaged, optimizer, step)


def make_optimizer(model: nn.Module, rate: float) -> torch.optim.Optimizer:
    """AdamW; only the weights of convolutions decay."""
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate)


def learning_rate(step: int, steps: int, highest: float, warm_up: int = 200) -> float:
    """Up in a straight line, down along half a cosine to a fiftieth."""
    if step < warm_up:
        return highest * (step + 1) / warm_up
    share = (step - warm_up) / max(1, steps - warm_up)
    return highest * (0.02 + 0.98 * (1 + math.cos(math.pi * share)) / 2)


def restore(
    path: Path, start_from: Path | None, model: nn.Module, averaged: Averaged, optimizer: torch.optim.Optimizer
) -> int:
    """Loads the run's last checkpoint, or the weights to begin with; returns the steps done."""
    if path.exists():
        state = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        averaged.model.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        return state["step"]
    if start_from:
        state = torch.load(start_from, map_location="cpu", weights_only=True)
        model.load_state_dict(state["averaged"])
        averaged.model.load_state_dict(state["averaged"])
    return 0


if __name__ == "__main__":
    main()
