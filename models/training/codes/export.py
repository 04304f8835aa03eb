"""Writes a checkpoint as `NAME.onnx` and `NAME.toml`: `python -m codes.export runs/codes/last.pt codes.onnx`.

The file takes images as they are (blue, green, red; 0 to 255): batch normalisation and the division by 255 are
folded into the convolutions. Its output is that of an undecoded YOLOX: 1 × cells × (4 + 1 + classes), objectness and
scores between 0 and 1.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .checkpoint import load_averaged
from .classes import CLASS_NAMES
from .network import STRIDES, CodeDetector, ConvBlock

OPSET = 17

SIDECAR = """\
labels = [{labels}]
input_size = {{ width = {side}, height = {side} }}
channel_order = "bgr"
mean = 0
scale = 1.0
fit = "letterbox"
placement = "top-left"
fill = 114
boxes = "yolox"
strides = [{strides}]
nms = "class-agnostic"
licence = "MIT OR Apache-2.0"
source = "trained by models/training on generated images"
"""


class Exported(nn.Module):
    """The network as the file has it: probabilities instead of logits."""

    def __init__(self, model: CodeDetector) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        rows = self.model(images)
        return torch.cat([rows[..., :4], rows[..., 4:].sigmoid()], dim=-1)


def fold(model: CodeDetector, objectness_shift: float = 0) -> CodeDetector:
    """Folds batch normalisation and the scale of the input into the weights; `model` is changed.

    `objectness_shift` is added to the logits of objectness: it moves all scores without a change of their order.
    """
    for block in [module for module in model.modules() if isinstance(module, ConvBlock)]:
        block[0] = fuse_conv_bn_eval(block[0], block[1])
        block[1] = nn.Identity()
    with torch.no_grad():
        model.stem[0][0].weight.div_(255)
        for head in model.heads:
            head.objectness.bias.add_(objectness_shift)
    return model


def export(checkpoint: Path, output: Path, side: int, objectness_shift: float) -> None:
    """Writes both files and checks the model."""
    model = Exported(fold(load_averaged(checkpoint), objectness_shift)).eval()
    example = torch.zeros(1, 3, side, side)
    names = {"input_names": ["images"], "output_names": ["output"]}
    torch.onnx.export(model, (example,), str(output), opset_version=OPSET, dynamo=False, **names)
    onnx.checker.check_model(onnx.load(output), full_check=True)
    labels = ", ".join(f'"{name}"' for name in CLASS_NAMES)
    strides = ", ".join(map(str, STRIDES))
    output.with_suffix(".toml").write_text(SIDECAR.format(labels=labels, side=side, strides=strides))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--side", type=int, default=416)
    parser.add_argument("--objectness-shift", type=float, default=0.0)
    arguments = parser.parse_args()
    export(arguments.checkpoint, arguments.output, arguments.side, arguments.objectness_shift)
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
