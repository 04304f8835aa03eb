"""Judges a file that selects: where two scores differ by less than rounding, either may come first, and the rows that
follow are then other ones. So both programs are made to select from the same numbers.

What the file selects from is read from Framegate. ONNX Runtime computes the same, which is compared, and continues with
Framegate's numbers: from there on both have the same choices, and every further number is compared as well. No operator
goes unjudged, and no row may differ.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

# Operators whose results jump where an input changes little, and which of their inputs these are.
JUMPS = {"TopK": [0], "ArgMax": [0], "ArgMin": [0], "NonMaxSuppression": [0, 1], "Floor": [0], "Ceil": [0], "Round": [0],
         "Greater": [0, 1], "GreaterOrEqual": [0, 1], "Less": [0, 1], "LessOrEqual": [0, 1], "Equal": [0, 1]}
# In quantised files, every rounding to a step.
STEPS = {"QuantizeLinear": [0], "DynamicQuantizeLinear": [0]}
FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16)
INTEGERS = (TensorProto.INT32, TensorProto.INT64)
WIDE = TensorProto.FLOAT
OURS = "/ours"
ALL = "/ours/all"
# A change of the last bits of a number in single precision.
SHAKE = 2.0**-22


def widened(model):
    """The same model in single precision throughout, as Framegate computes it: each half number is one exactly."""
    def tensor(value):
        if value.data_type in FLOATS and value.data_type != WIDE:
            value.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(value).astype(np.float32), value.name))

    def graph(of):
        for value in of.initializer:
            tensor(value)
        for value in [*of.input, *of.output, *of.value_info]:
            if value.type.tensor_type.elem_type in FLOATS:
                value.type.tensor_type.elem_type = WIDE
        for node in of.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    tensor(attribute.t)
                if attribute.HasField("g"):
                    graph(attribute.g)
                if node.op_type == "Cast" and attribute.name == "to" and attribute.i in FLOATS:
                    attribute.i = WIDE

    graph(model.graph)
    return model


def chosen_from(model, quantised):
    """The numbers of the graph that something is selected from, in order."""
    jumps = JUMPS | STEPS if quantised else JUMPS
    typed = shape_inference.infer_shapes(model).graph
    types = {value.name: value.type.tensor_type.elem_type for value in [*typed.value_info, *typed.output]}
    made = {name for node in model.graph.node if node.op_type != "Constant" for name in node.output}
    names = []
    for node in model.graph.node:
        places = jumps.get(node.op_type, [])
        if node.op_type == "Cast" and next(a.i for a in node.attribute if a.name == "to") in INTEGERS:
            places = [0]
        names += [node.input[place] for place in places if place < len(node.input)]
    return [name for name in dict.fromkeys(names) if name in made and types.get(name) in FLOATS]


def with_outputs(model, names):
    """The model with these as further outputs."""
    known = {output.name for output in model.graph.output}
    typed = {value.name: value for value in shape_inference.infer_shapes(model).graph.value_info}
    model.graph.output.extend(typed[name] for name in names if name not in known)
    return model


def continued(model, ranks):
    """The model, which selects from numbers that it is given. `ranks`: of these values. A list of ours is as long as it can
    get, so it is cut to what the model has itself."""
    nodes = []
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name in ranks and node.op_type in {*JUMPS, *STEPS, "Cast"}:
                node.input[place] = name + OURS
        nodes.append(node)
        for name in node.output:
            if name not in ranks:
                continue
            model.graph.input.append(helper.make_tensor_value_info(name + ALL, WIDE, [None] * ranks[name]))
            zeros = numpy_helper.from_array(np.zeros(ranks[name], np.int64), name + OURS + "/zeros")
            model.graph.initializer.append(zeros)
            nodes.append(helper.make_node("Shape", [name], [name + OURS + "/shape"]))
            nodes.append(helper.make_node("Slice", [name + ALL, zeros.name, name + OURS + "/shape"], [name + OURS]))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def shaken(model):
    """The model with the last bits of its steps changed."""
    chance = np.random.default_rng(0)
    steps = {name for node in model.graph.node if "Linear" in node.op_type for name in node.input}
    for value in model.graph.initializer:
        if value.data_type == WIDE and value.name in steps:
            numbers = numpy_helper.to_array(value)
            changed = numbers * (1 + chance.choice([-SHAKE, SHAKE], numbers.shape))
            value.CopyFrom(numpy_helper.from_array(np.asarray(changed, np.float32), value.name))
    return model
