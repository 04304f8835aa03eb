"""A model by itself, beside ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import framegate
import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import MODEL


@pytest.fixture(scope="module")
def session() -> framegate.Session:
    return framegate.Session(MODEL)


def image(shape: tuple[int, ...] = (1, 3, 320, 320)) -> NDArray[np.float32]:
    return np.random.default_rng(5).uniform(0, 255, shape).astype(np.float32)


def tensor_for(session: framegate.Session) -> NDArray[np.float32]:
    (declared,) = session.get_inputs()
    _, _, *size = declared.shape
    height, width = (extent if isinstance(extent, int) else 320 for extent in size)
    return image((1, 3, height, width))


def test_outputs_are_those_of_onnx_runtime(session: framegate.Session) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    other: Any = onnxruntime.InferenceSession(str(MODEL), providers=["CPUExecutionProvider"])
    (name,) = [declared.name for declared in session.get_inputs()]
    assert name == other.get_inputs()[0].name
    assert session.get_inputs()[0].type == other.get_inputs()[0].type
    assert [output.name for output in session.get_outputs()] == [output.name for output in other.get_outputs()]
    feed = {name: tensor_for(session)}
    for ours, theirs in zip(session.run(None, feed), other.run(None, feed), strict=True):
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= 1e-4 * max(np.abs(theirs).max(), 1.0)


def test_the_meta_data_is_that_of_onnx_runtime(session: framegate.Session) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    theirs = onnxruntime.InferenceSession(str(MODEL), providers=["CPUExecutionProvider"]).get_modelmeta()
    ours = session.get_modelmeta()
    assert ours.custom_metadata_map == session.metadata == theirs.custom_metadata_map
    assert ours.producer_name == theirs.producer_name and ours.graph_name == theirs.graph_name != ""


def test_outputs_are_chosen_by_name(session: framegate.Session) -> None:
    name = session.get_inputs()[0].name
    feed = {name: tensor_for(session)}
    everything = session.run(None, feed)
    last = session.get_outputs()[-1].name
    (output,) = session.run([last], feed)
    assert np.array_equal(output, everything[-1])
    # As in ONNX Runtime; its options of a run are of no concern.
    assert len(session.run([], feed, None)) == len(everything)
    with pytest.raises(TypeError, match="must be a list"):
        session.run(last, feed)


def test_the_image_may_come_alone(session: framegate.Session) -> None:
    feed = {session.get_inputs()[0].name: tensor_for(session)}
    expected = session.run(None, feed)
    for outputs in (session.run(feed), session.run(input_feed=feed), session.run(output_names=None, input_feed=feed)):
        assert all(np.array_equal(output, other) for output, other in zip(outputs, expected, strict=True))
    with pytest.raises(TypeError, match="given twice"):
        session.run(feed, feed)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="input_feed must be a mapping: {'"):
        session.run(None)


def test_a_large_batch_is_computed_in_parts(session: framegate.Session) -> None:
    name = session.get_inputs()[0].name
    images = tensor_for(session) * np.linspace(0.1, 1, 17, dtype=np.float32)[:, None, None, None]
    single = framegate.Session(MODEL)
    for position, output in enumerate(session.run({name: images})):
        assert len(output) == 17
        for row in (0, 8, 9, 16):
            alone = single.run({name: images[row : row + 1]})[position][0]
            assert np.abs(output[row] - alone).max() <= 1e-4 * max(np.abs(alone).max(), 1.0)


def test_what_a_session_says_of_itself(session: framegate.Session) -> None:
    assert session.get_provider_options() == {session.get_providers()[0]: {}}
    assert session.get_overridable_initializers() == []
    options: Any = SimpleNamespace(intra_op_num_threads=2)
    assert framegate.Session(MODEL, options).get_session_options() is options
    assert framegate.Session(MODEL, threads=3).get_session_options().intra_op_num_threads == 3
    with pytest.raises(NotImplementedError, match="use run"):
        session.io_binding()


def test_providers_are_set_later(session: framegate.Session) -> None:
    feed = {session.get_inputs()[0].name: tensor_for(session)}
    other = framegate.Session(path_or_bytes=MODEL, provider_options=[{}], backend="null")
    assert other.get_providers() == ["null"]
    other.set_providers(["CPUExecutionProvider"], [{}])
    assert other.get_providers() == ["simd"]
    for ours, theirs in zip(other.run(feed), session.run(feed), strict=True):
        assert np.abs(ours - theirs).max() <= 1e-4 * max(np.abs(theirs).max(), 1.0)
    with pytest.raises(ValueError, match="CUDAExecutionProvider cannot be used"):
        other.set_providers(["CUDAExecutionProvider"])


def test_axes_are_declared_as_for_onnx_runtime(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    weights = onnx.numpy_helper.from_array(np.ones((2, 3, 3, 3), np.float32), "w")
    tensor, dims = onnx.helper.make_tensor_value_info, ["batch", "height", None]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])],
        "graph",
        [tensor("x", onnx.TensorProto.FLOAT, [dims[0], 3, *dims[1:]])],
        [tensor("y", onnx.TensorProto.FLOAT, [dims[0], 2, *dims[1:]])],
        [weights],
    )
    path = tmp_path / "open.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), path)
    ours, theirs = framegate.Session(path), onnxruntime.InferenceSession(str(path))
    for our, their in zip(ours.get_inputs() + ours.get_outputs(), theirs.get_inputs() + theirs.get_outputs(), strict=True):
        assert (our.name, our.shape, our.type) == (their.name, their.shape, their.type)
    for shape in [(1, 3, 8, 8), (2, 3, 8, 12), (16, 3, 5, 7), (40, 3, 5, 7)]:
        tensor = image(shape)
        output, expected = ours.run(None, {"x": tensor})[0], theirs.run(None, {"x": tensor})[0]
        assert output.shape == expected.shape == (shape[0], 2, *shape[2:])
        assert np.abs(output - expected).max() <= 1e-4 * np.abs(expected).max()
    for shape, words in [((0, 3, 8, 8), "1 to 16 images at once"), ((1, 3, 0, 8), "extent of an image is 0")]:
        with pytest.raises(ValueError, match=words):
            ours.run(None, {"x": image(shape)})


def test_any_strides_give_the_same(session: framegate.Session) -> None:
    name = session.get_inputs()[0].name
    tensor = tensor_for(session)
    expected = session.run(None, {name: tensor})
    wide = np.zeros((*tensor.shape[:3], 2 * tensor.shape[3]), np.float32)
    wide[..., ::2] = tensor
    for output, other in zip(session.run(None, {name: wide[..., ::2]}), expected, strict=True):
        assert np.array_equal(output, other)


def test_what_people_write_for_onnx_runtime_runs_as_it_is(session: framegate.Session) -> None:
    feed = {session.get_inputs()[0].name: tensor_for(session)}
    expected = session.run(None, feed)
    options: Any = SimpleNamespace(intra_op_num_threads=1, graph_optimization_level=99)
    of_bytes = framegate.Session(MODEL.read_bytes(), options, ["CPUExecutionProvider"])
    assert of_bytes.get_providers() == ["simd"]
    with_options = framegate.Session(MODEL, providers=[("CPUExecutionProvider", {"arena": 1})])
    with pytest.warns(UserWarning, match="CUDAExecutionProvider cannot be used, so the processor computes"):
        with_gpu = framegate.Session(MODEL, providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
    for other in (of_bytes, with_options, with_gpu):
        for ours, theirs in zip(other.run(None, feed), expected, strict=True):
            assert np.abs(ours - theirs).max() <= 1e-4 * max(np.abs(theirs).max(), 1.0)


def test_providers_of_others_alone_are_refused() -> None:
    refused: list[tuple[list[Any], str]] = [
        (["CUDAExecutionProvider"], "CUDAExecutionProvider cannot be used"),
        ([("TensorrtExecutionProvider", {}), "CUDAExecutionProvider"], "TensorrtExecutionProvider, CUDA"),
    ]
    for providers, words in refused:
        with pytest.raises(ValueError, match=words):
            framegate.Session(MODEL, providers=providers)
    with pytest.raises(TypeError, match="must be a list"):
        framegate.Session(MODEL, providers="CPUExecutionProvider")
    with pytest.raises(framegate.ModelError, match="given as bytes"):
        framegate.Session(b"no model")
    with pytest.raises(TypeError, match="or its bytes, not NoneType"):
        framegate.Session(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="threads must be a whole number, from 1 to 1024"):
        framegate.Session(MODEL, threads=1_000_000)


def test_what_does_not_fit_is_refused_in_words(session: framegate.Session) -> None:
    name = session.get_inputs()[0].name
    tensor = tensor_for(session)
    feeds: list[tuple[dict[str, Any], str]] = [
        ({}, f"input '{name}' is missing"),
        ({name: tensor, "scale": tensor}, f"no input 'scale'; the image is '{name}'"),
        ({name: tensor.astype(np.float64)}, r"astype\(numpy\.float32\)"),
        ({name: tensor[0, 0]}, r"expected \[channels, height, width\]"),
        ({name: tensor[:, :2]}, "channels|takes images"),
    ]
    for feed, words in feeds:
        with pytest.raises(ValueError, match=words):
            session.run(None, feed)
    with pytest.raises(ValueError, match="no output 'x'; there are"):
        session.run(["x"], {name: tensor})
