"""Exports small, randomly initialised models of Hugging Face's transformers by each of torch's exporters.

    python export_transformers.py FOLDER
"""

import os
import sys
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1")
import torch
import transformers as hf

QUERIES = 40
BOXES = ("logits", "pred_boxes")
SCORES = ("logits",)


def labels(number):
    return {"num_labels": number}


def resnet(stages):
    return hf.ResNetConfig(embedding_size=16, hidden_sizes=[16, 32, 48, 64], depths=[1] * 4,
                           layer_type="basic", out_features=[f"stage{stage}" for stage in stages])


def rt_detr_resnet():
    return hf.RTDetrResNetConfig(embedding_size=16, hidden_sizes=[16, 32, 48, 64], depths=[1] * 4,
                                 layer_type="basic", out_features=["stage2", "stage3", "stage4"])


def hybrid(levels):
    """What the RT-DETR line shares: a narrow encoder and a two-layer decoder."""
    return dict(encoder_in_channels=levels, encoder_hidden_dim=48, encoder_ffn_dim=96, d_model=48,
                decoder_in_channels=[48] * 3, decoder_ffn_dim=96, decoder_layers=2,
                decoder_attention_heads=4, encoder_attention_heads=4, num_queries=QUERIES)


def transformer(stages):
    """What the DETR line shares."""
    return dict(use_timm_backbone=False, use_pretrained_backbone=False, backbone=None,
                backbone_config=resnet(stages), d_model=48, encoder_layers=2, decoder_layers=2,
                encoder_ffn_dim=96, decoder_ffn_dim=96, encoder_attention_heads=4,
                decoder_attention_heads=4, num_queries=QUERIES)


def encoder(**further):
    return dict(hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96, **further)


def hgnet():
    return hf.HGNetV2Config(
        stem_channels=[3, 16, 16], stage_in_channels=[16, 24, 32, 48], stage_mid_channels=[16] * 4,
        stage_out_channels=[24, 32, 48, 64], stage_num_blocks=[1] * 4,
        stage_downsample=[False, True, True, True], stage_light_block=[False, False, True, True],
        stage_kernel_size=[3, 3, 5, 5], stage_numb_of_layers=[2] * 4,
        out_features=["stage2", "stage3", "stage4"], embedding_size=24, hidden_sizes=[24, 32, 48, 64],
        depths=[1] * 4)


# name → (model, outputs, input size)
MODELS = {
    "rt-detr": lambda: (hf.RTDetrForObjectDetection(hf.RTDetrConfig(
        backbone_config=rt_detr_resnet(), **hybrid([32, 48, 64]), **labels(80))), BOXES, 320),
    "rt-detr-v2": lambda: (hf.RTDetrV2ForObjectDetection(hf.RTDetrV2Config(
        backbone_config=rt_detr_resnet(), **hybrid([32, 48, 64]), **labels(80))), BOXES, 320),
    "d-fine": lambda: (hf.DFineForObjectDetection(hf.DFineConfig(
        backbone_config=hgnet(), **hybrid([32, 48, 64]), hidden_expansion=0.5, **labels(80))), BOXES, 320),
    "detr": lambda: (hf.DetrForObjectDetection(hf.DetrConfig(
        **transformer([1, 2, 3, 4]), **labels(91))), BOXES, 320),
    "conditional-detr": lambda: (hf.ConditionalDetrForObjectDetection(hf.ConditionalDetrConfig(
        **transformer([1, 2, 3, 4]), **labels(91))), BOXES, 320),
    "deformable-detr": lambda: (hf.DeformableDetrForObjectDetection(hf.DeformableDetrConfig(
        **transformer([2, 3, 4]), **labels(91))), BOXES, 320),
    "yolos": lambda: (hf.YolosForObjectDetection(hf.YolosConfig(
        **encoder(image_size=[256, 256], num_detection_tokens=QUERIES), **labels(91))), BOXES, 256),
    "vit": lambda: (hf.ViTForImageClassification(hf.ViTConfig(**encoder(), **labels(50))), SCORES, 224),
    "dinov2": lambda: (hf.Dinov2ForImageClassification(hf.Dinov2Config(
        hidden_size=48, num_hidden_layers=2, num_attention_heads=4, image_size=224, patch_size=14,
        **labels(50))), SCORES, 224),
    "swin": lambda: (hf.SwinForImageClassification(hf.SwinConfig(
        embed_dim=24, depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 8], **labels(50))), SCORES, 224),
    "convnext": lambda: (hf.ConvNextForImageClassification(hf.ConvNextConfig(
        hidden_sizes=[16, 32, 48, 64], depths=[1] * 4, **labels(50))), SCORES, 224),
}

EXPORTERS = {
    "script": {"dynamo": False, "opset_version": 17},
    "dynamo": {"dynamo": True, "opset_version": 18, "external_data": False},
    "dynamo-external": {"dynamo": True, "opset_version": 18, "external_data": True},
}


class Outputs(torch.nn.Module):
    """The model with a tuple of outputs in place of a dictionary."""

    def __init__(self, model, names):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, pixel_values):
        found = self.model(pixel_values=pixel_values, return_dict=True)
        return tuple(found[name] for name in self.names)


def main():
    folder = Path(sys.argv[1])
    for name, build in MODELS.items():
        missing = [tag for tag in EXPORTERS if not (folder / f"{name}-{tag}.onnx").exists()]
        if not missing:
            continue
        torch.manual_seed(7)
        try:
            model, names, size = build()
        except Exception as error:
            print(f"not built {name}: {error}", flush=True)
            continue
        model = Outputs(model, names).eval()
        image = torch.rand(1, 3, size, size)
        for tag in missing:
            path = folder / f"{name}-{tag}.onnx"
            try:
                with torch.no_grad():
                    torch.onnx.export(model, (image,), str(path), input_names=["pixel_values"],
                                      output_names=list(names), **EXPORTERS[tag])
                print(f"exported {path.stem}", flush=True)
            except Exception as error:  # Not every model passes every exporter.
                print(f"not exported {path.stem}: {type(error).__name__}", flush=True)


if __name__ == "__main__":
    main()
