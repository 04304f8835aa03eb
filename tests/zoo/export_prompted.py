"""Exports models of transformers that take texts or points beside the image, and others with all the axes left open
that optimum leaves open, with random weights.

    python export_prompted.py FOLDER [NAME ...]
"""

import os
import sys
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1")
import torch
import transformers as hf
from export_transformers import BOXES, encoder, hgnet, hybrid, labels

FEATURES = ("last_hidden_state", "pooler_output")
TEXT = dict(vocab_size=64, max_position_embeddings=16, eos_token_id=63, bos_token_id=62, pad_token_id=0)
# Two texts of as many tokens.
TOKENS = [[62, 5, 9, 63], [62, 7, 8, 63]]
OWL_SIDECAR = f"""labels = ["cat", "dog"]
inputs = {{ input_ids = {TOKENS} }}
"""
SAM = dict(hidden_size=64, image_size=256, patch_size=16)


class Named(torch.nn.Module):
    """A model whose inputs and outputs have an order."""

    def __init__(self, model, inputs, outputs):
        super().__init__()
        self.model, self.inputs, self.outputs = model, inputs, outputs

    def forward(self, *given):
        found = self.model(**dict(zip(self.inputs, given)), return_dict=True)
        return tuple(found[name] for name in self.outputs)


def owl(kind, config, further=()):
    config = config(text_config=encoder(**TEXT), vision_config=encoder(image_size=224, patch_size=32), projection_dim=48)
    tokens = torch.tensor(TOKENS)
    inputs = {"input_ids": tokens, "pixel_values": torch.rand(1, 3, 224, 224), "attention_mask": torch.ones_like(tokens)}
    return kind(config), inputs, (*BOXES, *further)


def sam():
    return hf.SamModel(hf.SamConfig(
        vision_config=dict(hidden_size=48, num_hidden_layers=2, num_attention_heads=4, image_size=256, patch_size=16,
                           output_channels=64, num_pos_feats=32, global_attn_indexes=[1], window_size=4),
        prompt_encoder_config=SAM,
        mask_decoder_config=dict(hidden_size=64, mlp_dim=96, num_hidden_layers=2, num_attention_heads=4,
                                 iou_head_hidden_dim=64)))


def image(model, outputs, size):
    return model, {"pixel_values": torch.rand(1, 3, size, size)}, outputs


# name → (model, inputs, outputs)
MODELS = {
    "owlvit": lambda: owl(hf.OwlViTForObjectDetection, hf.OwlViTConfig),
    "owlv2": lambda: owl(hf.Owlv2ForObjectDetection, hf.Owlv2Config, ["objectness_logits"]),
    "sam-encoder": lambda: image(sam().vision_encoder, FEATURES[:1], 256),
    "dinov2": lambda: image(hf.Dinov2Model(hf.Dinov2Config(**encoder(image_size=224, patch_size=14))), FEATURES, 224),
    "dinov2-classifier": lambda: image(hf.Dinov2ForImageClassification(hf.Dinov2Config(
        **encoder(image_size=224, patch_size=14), **labels(50))), ("logits",), 224),
    "rt-detr-v2": lambda: image(hf.RTDetrV2ForObjectDetection(hf.RTDetrV2Config(
        backbone_config=hf.RTDetrResNetConfig(
            embedding_size=16, hidden_sizes=[16, 24, 32, 48], depths=[1] * 4, layer_type="basic",
            out_features=["stage2", "stage3", "stage4"]), **hybrid([24, 32, 48]), **labels(80))), BOXES, 320),
    "d-fine": lambda: image(hf.DFineForObjectDetection(hf.DFineConfig(
        backbone_config=hgnet(), **hybrid([32, 48, 64]), **labels(80))), BOXES, 320),
    "deimv2": lambda: image(hf.Deimv2ForObjectDetection(hf.Deimv2Config(
        backbone_config=hgnet(), **hybrid([32, 48, 64]), **labels(80))), BOXES, 320),
    "yolos": lambda: image(hf.YolosForObjectDetection(hf.YolosConfig(
        **encoder(image_size=[256, 320], patch_size=16), num_detection_tokens=20, **labels(91))), BOXES, 320),
}


def axes_of(name, value):
    """The names of open axes, as optimum has them."""
    if name == "pixel_values":
        return dict(enumerate(["batch_size", "num_channels", "height", "width"]))
    return {axis: f"{name}_{axis}" for axis in range(value.ndim)}


def export(name, folder):
    torch.manual_seed(7)
    model, inputs, outputs = MODELS[name]()
    axes = {name: axes_of(name, value) for name, value in inputs.items()}
    axes |= {output: {0: "batch_size", 1: f"{output}_1"} for output in outputs}
    torch.onnx.export(Named(model.eval(), list(inputs), outputs), tuple(inputs.values()), folder / f"{name}.onnx",
                      input_names=list(inputs), output_names=list(outputs), dynamic_axes=axes, opset_version=17,
                      dynamo=False)
    if "input_ids" in inputs:
        (folder / f"{name}.toml").write_text(OWL_SIDECAR)


def main():
    folder = Path(sys.argv[1])
    for name in sys.argv[2:] or MODELS:
        if (folder / f"{name}.onnx").exists():
            continue
        try:
            export(name, folder)
            print(f"exported {name}", flush=True)
        except Exception as error:
            print(f"not exported {name}: {type(error).__name__}: {error}"[:300], flush=True)


if __name__ == "__main__":
    main()
