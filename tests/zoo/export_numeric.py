"""Writes one small detector in the number formats and input forms that people use.

    python export_numeric.py FOLDER
"""

import copy
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxconverter_common import float16
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

SIZE = 320


class Detector(torch.nn.Module):
    """The parts that detectors are made of, and boxes with scores as Ultralytics writes them."""

    def __init__(self, classes=6):
        super().__init__()

        def block(wide, wider, groups=1):
            return torch.nn.Sequential(
                torch.nn.Conv2d(wide, wider, 3, 2, 1, groups=groups, bias=False),
                torch.nn.BatchNorm2d(wider), torch.nn.SiLU())

        self.stem = torch.nn.Sequential(block(3, 16), block(16, 32), block(32, 32, 32), block(32, 48))
        self.deep = block(48, 48)
        self.join = torch.nn.Conv2d(96, 48, 1)
        self.head = torch.nn.Conv2d(48, 4 + classes, 1)

    def forward(self, image):
        fine = self.stem(image)
        deep = torch.nn.functional.interpolate(self.deep(fine), scale_factor=2.0, mode="nearest")
        found = self.head(self.join(torch.cat([fine, deep], 1))).flatten(2)
        boxes, scores = found.split([4, found.shape[1] - 4], 1)
        return torch.cat([boxes.sigmoid() * SIZE, scores.sigmoid()], 1)


def base():
    """The float model."""
    torch.manual_seed(7)
    model = Detector().eval()
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file, torch.no_grad():
        torch.onnx.export(model, (torch.rand(1, 3, SIZE, SIZE),), file.name, opset_version=17, dynamo=False,
                          input_names=["images"], output_names=["output0"])
        model = onnx.load(file.name)
    names = str({number: f"class {number}" for number in range(6)})
    helper.set_model_props(model, {"task": "detect", "names": names, "stride": "16"})
    return model


class Noise(quantization.CalibrationDataReader):
    """Images to calibrate with."""

    def __init__(self):
        random = np.random.default_rng(7)
        shape = (1, 3, SIZE, SIZE)
        self.images = iter([{"images": random.random(shape, np.float32)} for _ in range(4)])

    def get_next(self):
        return next(self.images, None)


def with_input(model, element, nhwc, scaled):
    """The model behind an image of another type or order of axes; `scaled`: it divides by 255 itself."""
    model = copy.deepcopy(model)
    nodes, value = [], "image"
    if element != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", [value], ["as_float"], to=TensorProto.FLOAT))
        value = "as_float"
    if nhwc:
        nodes.append(helper.make_node("Transpose", [value], ["channels_first"], perm=[0, 3, 1, 2]))
        value = "channels_first"
    if scaled:
        model.graph.initializer.append(numpy_helper.from_array(np.float32(255), "full_scale"))
        nodes.append(helper.make_node("Div", [value, "full_scale"], ["scaled"]))
        value = "scaled"
    for node in model.graph.node:
        node.input[:] = [value if name == "images" else name for name in node.input]
    shape = [1, SIZE, SIZE, 3] if nhwc else [1, 3, SIZE, SIZE]
    del model.graph.input[:]
    model.graph.input.append(helper.make_tensor_value_info("image", element, shape))
    behind = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes + behind)
    return model


def main():
    folder = Path(sys.argv[1])
    model = base()
    uint8, floats = TensorProto.UINT8, TensorProto.FLOAT
    plain = {
        "float": model,
        "fp16": float16.convert_float_to_float16(copy.deepcopy(model)),
        "fp16-keep-io": float16.convert_float_to_float16(copy.deepcopy(model), keep_io_types=True),
        "uint8": with_input(model, uint8, nhwc=False, scaled=True),
        "uint8-nhwc": with_input(model, uint8, nhwc=True, scaled=True),
        "nhwc": with_input(model, floats, nhwc=True, scaled=False),
        "scaled-inside": with_input(model, floats, nhwc=False, scaled=True),
    }
    for name, form in plain.items():
        onnx.save(form, folder / f"{name}.onnx")
    onnx.save(copy.deepcopy(model), folder / "external.onnx", save_as_external_data=True,
              location="external.onnx.data", size_threshold=256)
    prepared = folder / "float.prepared"
    quant_pre_process(folder / "float.onnx", prepared, skip_symbolic_shape=True)
    kinds, forms = quantization.QuantType, quantization.QuantFormat
    static = {
        "qdq": dict(quant_format=forms.QDQ, per_channel=True, weight_type=kinds.QInt8),
        "qdq-signed": dict(quant_format=forms.QDQ, activation_type=kinds.QInt8, weight_type=kinds.QInt8),
        "qdq-16": dict(quant_format=forms.QDQ, activation_type=kinds.QUInt16, weight_type=kinds.QInt8),
        "qoperator-quant": dict(quant_format=forms.QOperator, activation_type=kinds.QUInt8,
                                weight_type=kinds.QUInt8),
        "qoperator-channel-quant": dict(quant_format=forms.QOperator, per_channel=True,
                                        weight_type=kinds.QInt8),
        "qdq-channel-range": dict(quant_format=forms.QDQ, per_channel=True, reduce_range=True, weight_type=kinds.QInt8),
        "qdq-int16": dict(quant_format=forms.QDQ, activation_type=kinds.QInt16, weight_type=kinds.QInt8),
        "qdq-int4": dict(quant_format=forms.QDQ, activation_type=kinds.QUInt8, weight_type=kinds.QInt4),
        "qdq-uneven": dict(quant_format=forms.QDQ, activation_type=kinds.QInt8, weight_type=kinds.QInt8,
                           extra_options={"ActivationSymmetric": True, "WeightSymmetric": False, "QuantizeBias": False}),
        "qdq-weights": dict(quant_format=forms.QDQ, activation_type=kinds.QUInt8, weight_type=kinds.QUInt8,
                            extra_options={"AddQDQPairToWeight": True, "DedicatedQDQPair": True}),
        "qdq-own-operators": dict(quant_format=forms.QDQ, activation_type=kinds.QUInt16, weight_type=kinds.QInt16,
                                  extra_options={"UseQDQContribOps": True}),
        "qoperator-signed-quant": dict(quant_format=forms.QOperator, activation_type=kinds.QInt8,
                                       weight_type=kinds.QInt8),
        "qoperator-range-quant": dict(quant_format=forms.QOperator, per_channel=True, reduce_range=True,
                                      activation_type=kinds.QUInt8, weight_type=kinds.QInt8),
    }
    for name, options in static.items():
        quantization.quantize_static(prepared, folder / f"{name}.onnx", Noise(), **options)
    for name, weights in {"dynamic-quant": kinds.QUInt8, "dynamic-signed-quant": kinds.QInt8}.items():
        quantization.quantize_dynamic(prepared, folder / f"{name}.onnx", weight_type=weights)
    prepared.unlink()


if __name__ == "__main__":
    main()
