"""Rewrites models of other groups with the optimisers of ONNX Runtime, and quantises what they wrote.

    python export_optimised.py FOLDER

FOLDER lies beside the folders of the other groups, which are exported before.
"""

import sys
from pathlib import Path

import onnx
import onnxruntime
from onnxruntime import quantization
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.transformers import optimizer

# name → file of another group
SOURCES = {
    "detector": "numeric/float",
    "qdq": "numeric/qdq",
    "yolo": "ultralytics/u-yolov8n-320",
    "resnet": "timm/resnet50",
    "mobilenet": "timm/mobilenetv3_large_100",
    "efficientnet": "timm/efficientnet_b0",
    "vit": "transformers/vit-script",
    "vit-dynamo": "transformers/vit-dynamo",
    "dinov2": "transformers/dinov2-script",
    "swin": "transformers/swin-script",
    "convnext": "transformers/convnext-script",
    "detr": "transformers/detr-script",
    "rt-detr": "transformers/rt-detr-script",
    "yolos": "transformers/yolos-script",
    "beit": "timm/beit_base_patch16_224",
}
LEVELS = {
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}
# Those that the optimiser for transformers knows.
FUSED = {"vit": "vit", "vit-dynamo": "vit", "dinov2": "vit", "swin": "swin", "detr": "bert", "yolos": "vit", "beit": "vit",
         "rt-detr": "bert"}


def optimised(source, target, level):
    """Writes the graph that ONNX Runtime would run."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = LEVELS[level]
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 4
    onnxruntime.InferenceSession(source, options, ["CPUExecutionProvider"])


def four_bits(source, target, symmetric):
    """Writes the weights of products with four bits each."""
    quantizer = MatMulNBitsQuantizer(onnx.load(source), block_size=32, is_symmetric=symmetric)
    quantizer.process()
    quantizer.model.save_model_to_file(str(target))


def main():
    folder = Path(sys.argv[1])
    others = folder.parent
    for name, source in SOURCES.items():
        source = others / f"{source}.onnx"
        tasks = {f"{name}-{level}": lambda path, level=level: optimised(source, path, level) for level in LEVELS}
        if name in FUSED:
            def fuse(path, half=False):
                fused = optimizer.optimize_model(str(source), model_type=FUSED[name], num_heads=0, hidden_size=0,
                                                 opt_level=0, only_onnxruntime=False)
                if half:
                    fused.convert_float_to_float16(keep_io_types=True)
                fused.save_model_to_file(str(path))
            tasks[f"{name}-fused"] = fuse
            tasks[f"{name}-fused-half"] = lambda path: fuse(path, True)
            tasks[f"{name}-fused-dynamic-quant"] = lambda path: quantization.quantize_dynamic(
                folder / f"{name}-fused.onnx", path, weight_type=quantization.QuantType.QInt8, per_channel=True,
                # Without VNNI, ONNX Runtime's own sums of eight-bit products overflow.
                reduce_range=True, extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
            tasks[f"{name}-q4"] = lambda path: four_bits(source, path, symmetric=True)
            tasks[f"{name}-q4-zeros"] = lambda path: four_bits(source, path, symmetric=False)
        for target, write in tasks.items():
            path = folder / f"{target}.onnx"
            if path.exists():
                continue
            try:
                write(path)
                own = {f"{n.domain}::{n.op_type}" for n in onnx.load(path).graph.node if n.domain not in ("", "ai.onnx")}
                print(f"exported {target}", *sorted(own), flush=True)
            except Exception as error:
                print(f"not exported {target}: {type(error).__name__}: {error}"[:300], flush=True)


if __name__ == "__main__":
    main()
