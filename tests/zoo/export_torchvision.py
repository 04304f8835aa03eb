"""Exports torchvision's detectors and some classifiers of torchvision and timm, with random weights.

    python export_torchvision.py FOLDER
"""

import sys
from pathlib import Path

import timm
import torch
import torchvision

DETECTORS = {
    "ssd": ("ssd300_vgg16", 300),
    "ssdlite": ("ssdlite320_mobilenet_v3_large", 320),
    "fcos": ("fcos_resnet50_fpn", 320),
    "retinanet": ("retinanet_resnet50_fpn", 320),
    "faster-rcnn": ("fasterrcnn_mobilenet_v3_large_320_fpn", 320),
    "mask-rcnn": ("maskrcnn_resnet50_fpn", 320),
    "keypoint-rcnn": ("keypointrcnn_resnet50_fpn", 320),
}
CLASSIFIERS = ["resnet18", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny", "vit_b_16", "swin_t",
               "shufflenet_v2_x0_5", "squeezenet1_1", "regnet_y_400mf", "densenet121", "googlenet",
               "mnasnet0_5"]
TIMM = ["vit_tiny_patch16_224", "deit_tiny_patch16_224", "efficientvit_m0", "convnext_atto", "fastvit_t8",
        "mobilenetv4_conv_small", "repvit_m0_9", "edgenext_xx_small", "xcit_nano_12_p16_224",
        "coat_lite_tiny", "poolformerv2_s12", "mixer_s32_224", "resmlp_12_224", "tiny_vit_5m_224",
        "levit_128s", "ghostnetv2_100", "crossvit_tiny_240", "nextvit_small", "halonet26t", "eca_nfnet_l0"]


def export(model, size, path):
    """Writes one file with torch's tracing exporter."""
    image = torch.rand(1, 3, size, size)
    with torch.no_grad():
        torch.onnx.export(model.eval(), (image,), str(path), opset_version=17, dynamo=False)


def builders():
    """name → a function that makes the model, and its input size."""
    detection = torchvision.models.detection
    for name, (model, size) in DETECTORS.items():
        yield f"detector-{name}", lambda model=model: getattr(detection, model)(
            weights=None, weights_backbone=None), size
    for name in CLASSIFIERS:
        yield f"classifier-{name}", lambda name=name: torchvision.models.get_model(name, weights=None), 224
    for name in TIMM:
        size = 240 if name.endswith("240") else 224
        yield f"timm-{name}", lambda name=name: timm.create_model(name, exportable=True), size


def main():
    folder = Path(sys.argv[1])
    for name, build, size in builders():
        path = folder / f"{name}.onnx"
        if path.exists():
            continue
        torch.manual_seed(7)
        try:
            export(build(), size, path)
            print(f"exported {name}", flush=True)
        except Exception as error:
            print(f"not exported {name}: {type(error).__name__}: {error}"[:200], flush=True)


if __name__ == "__main__":
    main()
