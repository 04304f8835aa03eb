"""Reads every model of a folder of folders with Framegate and compares raw outputs with ONNX Runtime's.

    python compare.py FRAMEGATE FOLDER [--backend simd] [--details FILE.json]

A folder inside FOLDER is a group, a line of the table. For each file: whether `models inspect` accepts it as
something it can read, whether `models run` runs it, and whether the numbers agree.
"""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from PIL import Image

import selections

IMAGE = Path(__file__).parents[1] / "integration/images/several.jpg"
SECONDS = 120
# A number on the border between two steps of a quantised file goes either way, and layers that follow multiply
# the step: if every convolution of x-qdq.onnx is changed by 2^-22, ONNX Runtime's own results differ by 0.11 in 0.4 %
# of all numbers. So quantised files are held to 99 % of the numbers.
QUANTISED_SHARE = 0.99
# Largest difference, as a share of the largest value of the reference.
TOLERANCE = {"float": 1e-3, "half": 2e-2, "quantised": 5e-2}
# Graphs that magnify the last bit of their numbers, and by how much: this one takes the logit of scores near 1, where
# neighbouring numbers have logits that differ by 0.02 and more.
ILL_CONDITIONED = {"x-rfdetr-like": 1e-2}
DEFAULT_SIZE = 640
# Outputs of up to this many columns may hold another kind of number in each. A column of numbers that are this small
# beside the largest is held to them.
MOST_COLUMNS = 256
LEAST_COLUMN = 1e-4


def kind(model):
    """Which tolerance a file is held to."""
    names = {node.op_type for node in model.graph.node}
    if any(re.fullmatch(r"(Dynamic)?QuantizeLinear|QLinear.*|QGemm|QAttention|.*Integer.*", name) for name in names):
        return "quantised"
    types = {value.data_type for value in model.graph.initializer}
    return "half" if types & {onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16} else "float"


def session(model, optimised=True):
    """A file, or the bytes of one, in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 4
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])


class Reference:
    """The file in ONNX Runtime."""

    def __init__(self, file):
        self.model = onnx.load(file)
        self.kind = kind(self.model)
        # Without VNNI, its fused kernels for sums of eight-bit products saturate.
        self.session = session(file, optimised=self.kind != "quantised")
        inputs = self.session.get_inputs()
        self.names = [output.name for output in self.session.get_outputs()]
        self.image = next(i for axes in (4, 3) for i in inputs if len(i.shape) == axes)
        sidecar = Path(file).with_suffix(".toml")
        self.given = tomllib.loads(sidecar.read_text()).get("inputs", {}) if sidecar.exists() else {}
        self.read = {name for node in self.model.graph.node for name in node.input}
        shape = [axis if isinstance(axis, int) else None for axis in self.image.shape]
        # torchvision's detectors take a list of images, which have no batch axis.
        self.is_alone = len(shape) == 3
        shape = [1, *shape] if self.is_alone else shape
        self.last_axis = shape[3] in (1, 3) and shape[1] not in (1, 3)
        order = [shape[0], shape[3], shape[1], shape[2]] if self.last_axis else shape
        self.batch = order[0] or 1
        self.channels = order[1] or 3
        self.height, self.width = order[2] or DEFAULT_SIZE, order[3] or DEFAULT_SIZE

    def pixels(self):
        """One image as Framegate takes it: [1, channels, height, width]."""
        mode = "L" if self.channels == 1 else "RGB"
        image = Image.open(IMAGE).convert(mode).resize((self.width, self.height))
        values = np.asarray(image, np.float32).reshape(self.height, self.width, -1).transpose(2, 0, 1)
        return values[None] if "uint8" in self.image.type else values[None] / np.float32(255)

    def other(self, name):
        """What exporters mean by further inputs, or what the sidecar says."""
        wide, high = self.width, self.height
        known = {
            "orig_target_sizes": [[wide, high]],
            "scale_factor": [[1.0, 1.0]],
            "im_shape": [[high, wide]],
            "pixel_mask": np.ones((1, high, wide)),
        }
        if name == "attention_mask" and "input_ids" in self.given:
            known[name] = np.ones_like(self.given["input_ids"])
        return self.given.get(name, known.get(name))

    def run(self, pixels, session=None, further=None):
        """Raw outputs by name, of the file or of a session made from it that takes `further` inputs."""
        session, further = session or self.session, further or {}
        types = {"tensor(float16)": np.float16, "tensor(uint8)": np.uint8, "tensor(int64)": np.int64,
                 "tensor(int32)": np.int32, "tensor(double)": np.float64, "tensor(bool)": np.bool_}
        feeds = {}
        for given in session.get_inputs():
            if given.name in further:
                values = further[given.name]
            elif given.name == self.image.name:
                values = pixels.transpose(0, 2, 3, 1) if self.last_axis else pixels
                values = values[0] if self.is_alone else np.repeat(values, self.batch, 0)
            else:
                values = np.asarray(self.other(given.name))
                if given.name not in self.read:  # ONNX Runtime wants a value all the same.
                    values = np.zeros([axis if isinstance(axis, int) else 1 for axis in given.shape])
                if values.dtype == object:
                    raise ValueError(f"no value known for input {given.name}")
            feeds[given.name] = values.astype(types.get(given.type, np.float32))
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, feeds)))


def framegate(arguments):
    """Standard output, or the first line of what went wrong."""
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None, f"took more than {SECONDS} s"
    if done.returncode:
        return None, " ".join(done.stderr.split())[:400]
    return done.stdout, None


class Run:
    """`models run` of one file with one input."""

    def __init__(self, program, backend, file, pixels):
        with tempfile.TemporaryDirectory() as scratch:
            scratch = Path(scratch)
            np.save(scratch / "input.npy", pixels)
            _, self.error = framegate(
                [program, "models", "run", file, "--backend", backend,
                 "--input", scratch / "input.npy", "--output-dir", scratch / "raw"]
            )
            self.outputs = {path.stem: np.load(path).astype(np.float64) for path in scratch.glob("raw/*.npy")}

    def output(self, name):
        """`None` for one that is constant in the file."""
        return self.outputs.get(re.sub(r"[^A-Za-z0-9_.-]", "_", name))


def meant(found, shape):
    """The part that the reference has as well: further rows are zeros, further images are not ours."""
    found = found.reshape(found.shape[found.ndim - len(shape):]) if found.ndim > len(shape) else found
    found = found.reshape((1,) * (len(shape) - found.ndim) + found.shape)
    part = tuple(slice(0, extent) for extent in shape)
    rest = found.copy()
    rest[part] = 0
    return None if np.any(rest) else found[part]


def scale_of(expected):
    """The values that differences are a share of: the largest value or, where one output holds pixels as well as scores, the
    largest of each column."""
    largest = np.abs(expected).max() or 1.0
    if expected.ndim != 3 or min(expected.shape[1:]) > MOST_COLUMNS:
        return largest
    along = 1 if expected.shape[1] > expected.shape[2] else 2
    return np.maximum(np.abs(expected).max(axis=along, keepdims=True), largest * LEAST_COLUMN)


def gap(found, expected, share=1.0):
    """The largest difference as a share of the largest value, of this share of all numbers."""
    if not expected.size:
        return 0.0
    with np.errstate(invalid="ignore"):  # Infinite numbers mask others, and must be the same.
        gaps = np.where(found == expected, 0.0, np.abs(found - expected) / scale_of(expected))
    worst = np.quantile(gaps, share)
    return worst if np.isfinite(worst) else float("inf")


def rows_of(outputs, count):
    """The outputs of one list of boxes, side by side."""
    return np.concatenate([output.reshape(count, -1) for output in outputs], axis=1)


def unordered(found, expected, tolerance):
    """The largest difference between rows, whatever their order. Models sort their boxes by score: boxes of
    nearly equal scores may change places, and the last may be other ones of the same score."""
    scale = np.abs(expected).max(axis=0)
    scale[scale == 0] = 1.0
    found, expected = found / scale, expected / scale
    cost = np.full((len(expected), len(found)), 0.0)
    for column in range(expected.shape[1]):
        cost = np.maximum(cost, np.abs(expected[:, column, None] - found[None, :, column]))
    worst, used = 0.0, np.zeros(len(found), bool)
    falling = [c for c in range(expected.shape[1]) if np.all(np.diff(expected[:, c]) <= tolerance)]
    last = expected[:, falling].min(axis=0) + 2 * tolerance
    for row, costs in zip(expected, cost):
        costs = np.where(used, np.inf, costs)
        best = int(costs.argmin())
        if costs[best] <= tolerance or not (falling and np.any(row[falling] <= last)):
            used[best] = True
            worst = max(worst, costs[best])
    return worst


def pasted(masks, boxes, extent):
    """Masks that fill a box and a margin of one element, which Framegate reads, in the image, as torchvision's files
    have them."""
    if masks.shape[2:] == extent:
        return masks
    import torch
    from torchvision.models.detection import roi_heads

    widened = masks.shape[-1] / (masks.shape[-1] - 2)
    places = roi_heads.expand_boxes(torch.from_numpy(np.array(boxes, np.float32)), widened).to(torch.int64)
    masks = torch.from_numpy(masks)
    return np.stack([roi_heads.paste_mask_in_image(mask, place, *extent) for mask, place in zip(masks[:, 0], places)])[:, None]


def difference(expected_outputs, ours, tolerance, share):
    """The largest difference as a share of the largest value; outputs are matched by name, and the boxes of one
    list as rows, if their places differ."""
    pairs = []
    for name, expected in expected_outputs.items():
        found = ours.output(name)
        if found is None:
            continue
        expected = np.asarray(expected).astype(np.float64)
        if expected.ndim and expected.shape[0] > 1 and found.ndim == expected.ndim and found.shape[0] == 1:
            expected = expected[:1]
        found = meant(found, expected.shape)
        if found is None:
            return float("inf"), "other rows"
        if expected.ndim == 4 and found.shape[:2] == expected.shape[:2] == (len(expected), 1):
            boxes = next((value for value in expected_outputs.values() if np.shape(value) == (len(expected), 4)), None)
            found = found if boxes is None else pasted(found, boxes, expected.shape[2:])
        if found.shape != expected.shape:
            return float("inf"), "other shapes"
        pairs.append((found, expected))
    gaps = [gap(found, expected, share) for found, expected in pairs]
    worst = max(gaps, default=0.0)
    if worst <= tolerance:
        return worst, "in place"
    # A list of boxes: all its outputs have a row for each.
    def count(array):
        extents = [extent for extent in array.shape if extent > 1]
        return extents[0] if extents else 1
    moved = [pair for pair, gap_ in zip(pairs, gaps) if gap_ > tolerance]
    counts = {count(expected) for _, expected in moved}
    if len(counts) != 1 or not 1 < next(iter(counts)) <= 3000:
        return worst, "in place"
    length = counts.pop()
    lists = [pair for pair in pairs if count(pair[1]) == length]
    found, expected = (rows_of(side, length) for side in zip(*lists))
    rest = [gap_ for pair, gap_ in zip(pairs, gaps) if count(pair[1]) != length]
    return max([unordered(found, expected, tolerance), *rest]), "as rows"


def selected_alike(reference, file, framegates, ours, tolerance, share):
    """The largest difference if ONNX Runtime selects from the numbers that Framegate selects from; `None` if that cannot
    be judged. `framegates(model)` runs a model in Framegate; `ours` is what this file gave."""
    quantised = reference.kind == "quantised"
    chosen = selections.chosen_from(reference.model, quantised)
    if not chosen:
        return None
    shown = selections.with_outputs(onnx.load(file), chosen)
    again = framegates(shown)
    if again.error:
        return None

    pixels = reference.pixels()

    def run(model, further=None):
        return reference.run(pixels, session(model.SerializeToString(), optimised=False), further)

    wide = selections.widened(shown)
    given = {}
    for name, value in run(wide).items():
        values, rank = again.output(name), np.ndim(value)
        if name in chosen and rank and values is not None:
            values = values.reshape(values.shape[max(0, values.ndim - rank):])
            repeated = value.shape[0] == reference.batch > len(values)
            given[name] = np.repeat(values, reference.batch if repeated else 1, 0)
    further = {name + selections.ALL: values for name, values in given.items()}
    outputs = run(selections.continued(wide, {name: values.ndim for name, values in given.items()}), further)
    # That the further outputs change nothing is part of the proof. Those of a quantised file change how it is computed,
    # and each rounding may go either way: that may change as much as the last bits of its steps do.
    alike, _ = difference({name: again.output(name) for name in reference.names if again.output(name) is not None},
                          ours, tolerance, share)
    if quantised:
        shaken = run(selections.shaken(onnx.load(file)))
        noise = max(gap(shaken[name], value, share) for name, value in run(onnx.load(file)).items())
        alike = 0.0 if alike <= 2 * noise else alike
    return max(alike, difference(outputs, again, TOLERANCE["float"], 1.0)[0])


def examine(program, backend, file):
    """Everything that the table needs to know about one file."""
    result = {"file": file.name}
    text, result["refused"] = framegate([program, "models", "inspect", file, "--json"])
    if text:
        result["layout"] = json.loads(text).get("detector", {}).get("box_decoder")
    try:
        reference = Reference(file)
        pixels = reference.pixels()
        expected = reference.run(pixels)
    except Exception as error:
        result["reference"] = str(error)[:200]
        return result
    ours = Run(program, backend, file, pixels)
    result["run_error"] = ours.error
    if ours.error:
        return result
    tolerance = ILL_CONDITIONED.get(file.stem, TOLERANCE[reference.kind])
    share = QUANTISED_SHARE if reference.kind == "quantised" else 1.0
    worst, result["matched"] = difference(expected, ours, tolerance, share)
    if worst > tolerance:
        def framegates(model):
            with tempfile.TemporaryDirectory() as scratch:
                changed = Path(scratch) / file.name
                onnx.save(model, changed)
                if file.with_suffix(".toml").exists():
                    shutil.copy(file.with_suffix(".toml"), scratch)
                return Run(program, backend, changed, pixels)

        again = selected_alike(reference, file, framegates, ours, tolerance, share)
        if again is not None:
            result["by_its_own_selections"] = worst
            worst, result["matched"] = again, "by the same selections"
            tolerance = TOLERANCE["float"]
    result["difference"] = worst
    result["right"] = bool(worst <= tolerance)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framegate", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("groups", nargs="*", help="default: all")
    parser.add_argument("--backend", default="simd")
    parser.add_argument("--details", type=Path)
    arguments = parser.parse_intermixed_args()
    details = {}
    print("| group | files | read | run | right numbers | wrong numbers | unknown to ONNX Runtime |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for group in sorted(path for path in arguments.folder.iterdir() if path.is_dir()):
        if arguments.groups and group.name not in arguments.groups:
            continue
        files = sorted(group.glob("*.onnx"))
        results = [examine(arguments.framegate, arguments.backend, file) for file in files]
        if not results:
            continue
        details[group.name] = results
        count = lambda test: sum(1 for result in results if test(result))
        cells = [
            group.name,
            len(results),
            count(lambda r: not r["refused"]),
            count(lambda r: "difference" in r),
            count(lambda r: r.get("right")),
            count(lambda r: r.get("right") is False),
            count(lambda r: "reference" in r),
        ]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
        if arguments.details:
            arguments.details.write_text(json.dumps(details, indent=1))


if __name__ == "__main__":
    main()
