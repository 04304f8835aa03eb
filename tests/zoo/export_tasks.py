"""Exports models of transformers for tasks beyond plain detection, with random weights: segmentation, depth, key
points, masks, detectors with further inputs.

    python export_tasks.py FOLDER [NAME ...]
"""

import os
import sys
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1")
import torch
import transformers as hf
from awake import settle
from export_transformers import BOXES, EXPORTERS, SCORES, Outputs, encoder, hgnet, hybrid, labels, transformer

SMALL = dict(hidden_sizes=[16, 32, 48, 64], depths=[1] * 4)


def swin(**further):
    return hf.SwinConfig(embed_dim=24, depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 8], **further)


def wider(stages, **further):
    """The DETR line with channels that group normalisation can divide by 32."""
    return transformer(stages) | dict(d_model=64) | further


def stages():
    return dict(out_features=["stage1", "stage2", "stage3", "stage4"])


def convnext():
    return hf.ConvNextConfig(**SMALL, **stages())


# name → (model, outputs, input size)
MODELS = {
    # Detectors.
    "deformable-detr": lambda: (hf.DeformableDetrForObjectDetection(hf.DeformableDetrConfig(
        **wider([2, 3, 4]), **labels(91))), BOXES, 320),
    "deformable-detr-two-stage": lambda: (hf.DeformableDetrForObjectDetection(hf.DeformableDetrConfig(
        **wider([2, 3, 4]), two_stage=True, with_box_refine=True, **labels(91))), BOXES, 320),
    "dab-detr": lambda: (hf.DabDetrForObjectDetection(hf.DabDetrConfig(
        **transformer([1, 2, 3, 4]) | dict(hidden_size=48), **labels(91))), BOXES, 320),
    "table-transformer": lambda: (hf.TableTransformerForObjectDetection(hf.TableTransformerConfig(
        **transformer([1, 2, 3, 4]), **labels(6))), BOXES, 320),
    "deim": lambda: (hf.Deimv2ForObjectDetection(hf.Deimv2Config(
        backbone_config=hgnet(), **hybrid([32, 48, 64]), **labels(80))), BOXES, 320),
    # Masks.
    "detr-segmentation": lambda: (hf.DetrForSegmentation(hf.DetrConfig(
        **wider([1, 2, 3, 4], encoder_attention_heads=8, decoder_attention_heads=8), **labels(20))), (*BOXES, "pred_masks"), 320),
    "maskformer": lambda: (hf.MaskFormerForInstanceSegmentation(hf.MaskFormerConfig(
        backbone_config=swin(**stages()), decoder_config=hf.DetrConfig(**wider([1, 2, 3, 4])), fpn_feature_size=64,
        mask_feature_size=64, **labels(20))), ("class_queries_logits", "masks_queries_logits"), 224),
    "mask2former": lambda: (hf.Mask2FormerForUniversalSegmentation(hf.Mask2FormerConfig(
        backbone_config=swin(**stages()), feature_size=64, mask_feature_size=64, hidden_dim=64, encoder_layers=2,
        decoder_layers=3, num_attention_heads=4, num_queries=40, dim_feedforward=96, encoder_feedforward_dim=96,
        **labels(20))), ("class_queries_logits", "masks_queries_logits"), 224),
    "eomt": lambda: (hf.EomtForUniversalSegmentation(hf.EomtConfig(
        **encoder(image_size=224, patch_size=16), num_blocks=1, num_queries=40, **labels(20))),
        ("class_queries_logits", "masks_queries_logits"), 224),
    # A class for each pixel.
    "segformer": lambda: (hf.SegformerForSemanticSegmentation(hf.SegformerConfig(
        hidden_sizes=[16, 32, 48, 64], depths=[1] * 4, decoder_hidden_size=48, num_attention_heads=[1, 2, 4, 4],
        **labels(20))), SCORES, 256),
    "segformer-classifier": lambda: (hf.SegformerForImageClassification(hf.SegformerConfig(
        hidden_sizes=[16, 32, 48, 64], depths=[1] * 4, num_attention_heads=[1, 2, 4, 4], **labels(20))), SCORES, 256),
    "upernet": lambda: (hf.UperNetForSemanticSegmentation(hf.UperNetConfig(
        backbone_config=convnext(), hidden_size=48, pool_scales=[1, 2, 4], auxiliary_in_channels=48, **labels(20))), SCORES, 256),
    "beit-segmentation": lambda: (hf.BeitForSemanticSegmentation(hf.BeitConfig(
        **encoder(image_size=224) | dict(num_hidden_layers=4), out_indices=[1, 2, 3, 4], use_relative_position_bias=True,
        use_auxiliary_head=False, pool_scales=[1, 2, 7], **labels(20))), SCORES, 224),
    "mobilevit-segmentation": lambda: (hf.MobileViTForSemanticSegmentation(hf.MobileViTConfig(**labels(20))), SCORES, 256),
    "mobilenetv2-segmentation": lambda: (hf.MobileNetV2ForSemanticSegmentation(hf.MobileNetV2Config(**labels(20))),
                                         SCORES, 256),
    "data2vec-segmentation": lambda: (hf.Data2VecVisionForSemanticSegmentation(hf.Data2VecVisionConfig(
        **encoder(image_size=224) | dict(num_hidden_layers=4), out_indices=[1, 2, 3, 4], use_auxiliary_head=False,
        pool_scales=[1, 2, 7], **labels(20))), SCORES, 224),
    # A distance for each pixel.
    "dpt": lambda: (hf.DPTForDepthEstimation(hf.DPTConfig(
        **encoder(image_size=224) | dict(num_hidden_layers=4), backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[16, 32, 48, 48], fusion_hidden_size=48)), ("predicted_depth",), 224),
    "depth-anything": lambda: (hf.DepthAnythingForDepthEstimation(hf.DepthAnythingConfig(
        backbone_config=hf.Dinov2Config(**encoder(image_size=224, patch_size=14) | dict(num_hidden_layers=4), **stages(),
                                        reshape_hidden_states=False), reassemble_hidden_size=48,
        neck_hidden_sizes=[16, 32, 48, 48], fusion_hidden_size=48)), ("predicted_depth",), 224),
    "glpn": lambda: (hf.GLPNForDepthEstimation(hf.GLPNConfig(
        hidden_sizes=[16, 32, 48, 64], depths=[1] * 4, num_attention_heads=[1, 2, 4, 4], decoder_hidden_size=48)),
        ("predicted_depth",), 256),
    "swin2sr": lambda: (hf.Swin2SRForImageSuperResolution(hf.Swin2SRConfig(
        embed_dim=24, depths=[1, 1], num_heads=[2, 2], image_size=64)), ("reconstruction",), 64),
    # Points.
    "vitpose": lambda: (hf.VitPoseForPoseEstimation(hf.VitPoseConfig(
        backbone_config=hf.VitPoseBackboneConfig(**encoder(), out_features=["stage2"]), num_labels=17)),
        ("heatmaps",), (256, 192)),
    "superpoint": lambda: (hf.SuperPointForKeypointDetection(hf.SuperPointConfig()), ("keypoints", "scores"), 160),
    # Classifiers of other kinds.
    **{name: lambda kind=kind, config=config, size=size: (kind(config(**labels(50))), SCORES, size)
       for name, kind, config, size in [
           ("mobilevit", hf.MobileViTForImageClassification, hf.MobileViTConfig, 256),
           ("mobilevitv2", hf.MobileViTV2ForImageClassification, hf.MobileViTV2Config, 256),
           ("levit", hf.LevitForImageClassification, hf.LevitConfig, 224),
           ("poolformer", hf.PoolFormerForImageClassification, hf.PoolFormerConfig, 224),
           ("pvt", hf.PvtForImageClassification, hf.PvtConfig, 224),
           ("pvt-v2", hf.PvtV2ForImageClassification, hf.PvtV2Config, 224),
           ("focalnet", hf.FocalNetForImageClassification, hf.FocalNetConfig, 224),
           ("swiftformer", hf.SwiftFormerForImageClassification, hf.SwiftFormerConfig, 224),
           ("cvt", hf.CvtForImageClassification, hf.CvtConfig, 224),
           ("regnet", hf.RegNetForImageClassification, hf.RegNetConfig, 224),
           ("resnet", hf.ResNetForImageClassification, hf.ResNetConfig, 224),
           ("mobilenetv1", hf.MobileNetV1ForImageClassification, hf.MobileNetV1Config, 224),
           ("efficientnet", hf.EfficientNetForImageClassification, hf.EfficientNetConfig, 224),
           ("bit", hf.BitForImageClassification, hf.BitConfig, 224),
           ("swinv2", hf.Swinv2ForImageClassification, hf.Swinv2Config, 224),
       ]},
    "siglip": lambda: (hf.SiglipForImageClassification(siglip()), SCORES, 224),
    "hiera": lambda: (hf.HieraForImageClassification(hf.HieraConfig(
        embed_dim=24, depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 8], **labels(50))), SCORES, 224),
    "dinov3": lambda: (hf.DINOv3ViTModel(hf.DINOv3ViTConfig(**encoder(image_size=224))), ("last_hidden_state",), 224),
    "clip-vision": lambda: (hf.CLIPVisionModelWithProjection(hf.CLIPVisionConfig(**encoder(projection_dim=32))),
                            ("image_embeds",), 224),
}


def siglip():
    config = hf.SiglipConfig(vision_config=encoder(image_size=224, patch_size=16), text_config=encoder())
    config.num_labels = 50
    return config


def main():
    folder = Path(sys.argv[1])
    for name in sys.argv[2:] or MODELS:
        build = MODELS[name]
        missing = [tag for tag in ("script", "dynamo") if not (folder / f"{name}-{tag}.onnx").exists()]
        if not missing:
            continue
        torch.manual_seed(7)
        try:
            model, names, size = build()
            model = Outputs(model, names).eval()
            image = torch.rand(2, 3, *(size if isinstance(size, tuple) else (size, size)))
            settle(model, image)
        except Exception as error:
            print(f"not built {name}: {type(error).__name__}: {error}"[:300], flush=True)
            continue
        image = image[:1]
        for tag in missing:
            path = folder / f"{name}-{tag}.onnx"
            try:
                with torch.no_grad():
                    torch.onnx.export(model, (image,), str(path), input_names=["pixel_values"],
                                      output_names=list(names), **EXPORTERS[tag])
                print(f"exported {path.stem}", flush=True)
            except Exception as error:  # Not every model passes every exporter.
                print(f"not exported {path.stem}: {type(error).__name__}: {error}"[:300], flush=True)


if __name__ == "__main__":
    main()
