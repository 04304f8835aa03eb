"""Writes trained weights as `NAME.onnx` and `NAME.toml`: `python -m digits.export runs/digits/last.pt digits.onnx`.

The file takes images as they are (blue, green, red; 0 to 255): batch normalisation and the division by 255 are
folded into the convolutions. Its output is 1 × 32 cells × (10 digits + blank) probabilities.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .crop import FILL, HEIGHT, WIDTH
from .network import CHARACTERS, DigitReader

OPSET = 17

SIDECAR = """\
labels = [{labels}]
input_size = {{ width = {width}, height = {height} }}
channel_order = "bgr"
mean = 0
scale = 1.0
fit = "letterbox"
placement = "top-left"
fill = {fill}
resize = "antialiased"
boxes = "ctc"
blank = "last"
licence = "MIT OR Apache-2.0"
source = "trained by models/training on generated images"
"""


class Exported(nn.Module):
    """The network as the file has it: probabilities instead of logits."""

    def __init__(self, model: DigitReader) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images).softmax(2)


def fold(model: DigitReader) -> DigitReader:
    """Folds batch normalisation and the scale of the input into the weights; `model` is changed."""
    for block in model.body:
        block[0] = fuse_conv_bn_eval(block[0], block[1])
        block[1] = nn.Identity()
    with torch.no_grad():
        model.body[0][0].weight.div_(255)
    return model


def export(weights: Path, output: Path) -> None:
    """Writes both files and checks the model."""
    model = DigitReader()
    model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    exported = Exported(fold(model.eval())).eval()
    example = torch.zeros(1, 3, HEIGHT, WIDTH)
    names = {"input_names": ["images"], "output_names": ["characters"]}
    torch.onnx.export(exported, (example,), str(output), opset_version=OPSET, dynamo=False, **names)
    onnx.checker.check_model(onnx.load(output), full_check=True)
    labels = ", ".join(f'"{character}"' for character in CHARACTERS)
    sidecar = SIDECAR.format(labels=labels, width=WIDTH, height=HEIGHT, fill=FILL)
    output.with_suffix(".toml").write_text(sidecar)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    export(arguments.weights, arguments.output)
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
