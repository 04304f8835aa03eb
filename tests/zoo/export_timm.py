"""Exports timm's most used classifiers with random weights, by each of torch's exporters.

    python export_timm.py FOLDER
"""

import sys
from pathlib import Path

import timm
import torch
from awake import settle

MODELS = ["resnet50", "resnext50_32x4d", "efficientnet_b0", "tf_efficientnetv2_b0", "mobilenetv3_large_100",
          "regnety_004", "convnextv2_atto", "swin_tiny_patch4_window7_224", "vit_small_patch16_224",
          "beit_base_patch16_224", "maxvit_rmlp_pico_rw_256", "hgnetv2_b0", "res2net50_26w_4s", "inception_v3",
          "mobilevit_xxs", "efficientformerv2_s0", "dm_nfnet_f0", "vit_small_patch14_dinov2"]
# The exporter that follows Python code; the other one traces.
DYNAMO = ["resnet50", "mobilenetv3_large_100", "vit_small_patch16_224", "convnextv2_atto"]


def main():
    folder = Path(sys.argv[1])
    for name in MODELS:
        wanted = [False, True] if name in DYNAMO else [False]
        paths = {dynamo: folder / f"{name}{'-dynamo' if dynamo else ''}.onnx" for dynamo in wanted}
        if all(path.exists() for path in paths.values()):
            continue
        torch.manual_seed(7)
        model = timm.create_model(name, exportable=True).eval()
        image = torch.rand(2, *model.pretrained_cfg["input_size"])
        settle(model, image)
        for dynamo, path in paths.items():
            try:
                with torch.no_grad():
                    torch.onnx.export(model, (image[:1],), str(path), dynamo=dynamo,
                                      opset_version=18 if dynamo else 17)
                print(f"exported {path.stem}", flush=True)
            except Exception as error:
                print(f"not exported {path.stem}: {type(error).__name__}: {error}"[:200], flush=True)


if __name__ == "__main__":
    main()
