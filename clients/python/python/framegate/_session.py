"""A model by itself: tensors in, tensors out."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from framegate import _image, _native

_TYPES: dict[str, type[np.generic]] = {
    "float": np.float32,
    "double": np.float64,
    "float16": np.float16,
    "bool": np.bool_,
    "uint8": np.uint8,
    "int8": np.int8,
    "uint16": np.uint16,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint32": np.uint32,
    "uint64": np.uint64,
}


Providers: TypeAlias = Sequence[str | tuple[str, Mapping[Any, Any]]]
"""Names of ONNX Runtime's execution providers, with or without their options."""

Feed: TypeAlias = Mapping[str, NDArray[Any]]
"""The tensor of each input, by its name."""

_CPU = "CPUExecutionProvider"


class SessionOptions(Protocol):
    """The part of ``onnxruntime.SessionOptions`` that counts."""

    @property
    def intra_op_num_threads(self) -> int: ...


@dataclass(frozen=True)
class _OwnOptions:
    """Those of a session that was made without."""

    intra_op_num_threads: int


@dataclass(frozen=True)
class NodeArg:
    """An input or an output, as the file declares it."""

    name: str
    shape: list[int | str | None]
    """Of an axis that the file leaves open the name, ``None`` if it has none."""
    type: str
    """``tensor(float)`` and the like."""


@dataclass(frozen=True)
class ModelMeta:
    """What the file says of the model."""

    custom_metadata_map: dict[str, str]
    """What the exporter has left in it."""
    producer_name: str
    """The program that wrote it."""
    graph_name: str


class Session:
    """Runs an ONNX model on arrays: what most people use of ``onnxruntime.InferenceSession``.

    The model is one that takes an image, ``[batch, 3, height, width]`` or in whichever order its file has the axes.
    It is loaded for each size of image, and computes in ``float32``; outputs have the types that the file
    declares.

    ``path_or_bytes`` is the path of a file, or its bytes. ``backend`` is ``"auto"`` or a name from ``framegate
    backends``, ``threads`` one per core by default. Calls written for ONNX Runtime work as they are:
    ``CPUExecutionProvider`` among the ``providers`` stands for the processor, of ``sess_options`` the
    ``intra_op_num_threads`` count, ``provider_options`` change nothing. Other providers are ONNX Runtime's own: beside
    that of the processor they cause a warning, alone a ``ValueError``.
    """

    def __init__(
        self,
        path_or_bytes: str | os.PathLike[str] | bytes,
        sess_options: SessionOptions | None = None,
        providers: Providers | None = None,
        provider_options: Sequence[Mapping[Any, Any]] | None = None,
        *,
        backend: str = "auto",
        threads: int | None = None,
    ) -> None:
        if not isinstance(path_or_bytes, (str, os.PathLike, bytes)):
            kind = type(path_or_bytes).__name__
            raise TypeError(f"path_or_bytes must be the path of an ONNX file, or its bytes, not {kind}")
        self._model = path_or_bytes
        self._threads = _threads(threads, sess_options)
        self._options = sess_options or _OwnOptions(self._threads or 0)
        self._load(_backend(backend, providers))

    def _load(self, backend: str) -> None:
        self._native = _native.Session(self._model, backend, self._threads)
        self._outputs = [_node(output) for output in self._native.outputs]

    def get_inputs(self) -> list[NodeArg]:
        """The image. Other inputs have their values from the file beside the model."""
        return [_node(self._native.input)]

    def get_outputs(self) -> list[NodeArg]:
        """The outputs in the order of the file."""
        return list(self._outputs)

    def get_providers(self) -> list[str]:
        """The backend."""
        return [self._native.backend]

    def get_overridable_initializers(self) -> list[NodeArg]:
        """None: weights are those of the file."""
        return []

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        """The backend, which has no such options."""
        return {self._native.backend: {}}

    def get_session_options(self) -> SessionOptions:
        """Those that were given, or their like."""
        return self._options

    def set_providers(
        self, providers: Providers | None = None, provider_options: Sequence[Mapping[Any, Any]] | None = None
    ) -> None:
        """Chooses the backend again, by the ``providers`` as in the beginning."""
        backend = _backend("auto", providers)
        if backend != self._native.backend:
            self._load(backend)

    def get_modelmeta(self) -> ModelMeta:
        """What the file says of the model, under ONNX Runtime's name for it."""
        return ModelMeta(self.metadata, self._native.producer_name, self._native.graph_name)

    @property
    def metadata(self) -> dict[str, str]:
        """What the exporter has left in the file."""
        return self._native.metadata

    @overload
    def run(self, input_feed: Feed, /) -> list[NDArray[Any]]: ...
    @overload
    def run(
        self, output_names: Sequence[str] | None = None, input_feed: Feed = ..., run_options: object = None
    ) -> list[NDArray[Any]]: ...
    def run(
        self,
        output_names: Feed | Sequence[str] | None = None,
        input_feed: Feed | None = None,
        run_options: object = None,
    ) -> list[NDArray[Any]]:
        """The outputs with these names, or all, for the image ``{name: array}``, which may come alone:
        ``run({name: array})``. ``run_options`` are ONNX Runtime's own and change nothing."""
        if isinstance(output_names, Mapping):
            if input_feed is not None:
                raise TypeError("output_names must be a list; the image is given twice")
            output_names, input_feed = None, output_names
        if isinstance(output_names, str):
            raise TypeError(f"output_names must be a list: [{output_names!r}]")
        if not isinstance(input_feed, Mapping):
            raise TypeError(f"input_feed must be a mapping: {{{self._native.input.name!r}: array}}")
        declared = {output.name: output for output in self._outputs}
        # No names are all of them, as in ONNX Runtime.
        names = list(output_names or declared)
        unknown = [name for name in names if name not in declared]
        if unknown:
            raise ValueError(f"there is no output {unknown[0]!r}; there are {', '.join(declared)}")
        outputs = self._compute(self._tensor(input_feed))
        missing = [name for name in names if name not in outputs]
        if missing:
            raise ValueError(f"output {missing[0]!r} does not depend on the image, and is not computed")
        return [outputs[name].astype(_TYPES.get(_element(declared[name]), np.float32), copy=False) for name in names]

    def io_binding(self) -> NoReturn:
        """Not offered: tensors are arrays in memory, which :meth:`run` takes and returns."""
        raise NotImplementedError("tensors are arrays in memory: use run(), which copies no more than it must")

    def _compute(self, tensor: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The outputs by their names; of a batch that is too large for one run, joined."""
        if tensor.ndim != 4 or len(tensor) <= _native.MAX_BATCH:
            return dict(self._native.run(tensor))
        # Runs of one size, or one less: outputs have their batch axis in each, and the model is loaded once.
        runs = -(-len(tensor) // _native.MAX_BATCH)
        parts = [dict(self._native.run(part)) for part in np.array_split(tensor, runs)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _tensor(self, feed: Feed) -> NDArray[np.float32]:
        name = self._native.input.name
        for given in feed:
            if given in self._native.other_inputs:
                raise ValueError(
                    f"input {given!r} is set when the model is loaded: leave it out, or write its value into the "
                    "file beside the model"
                )
            if given != name:
                raise ValueError(f"there is no input {given!r}; the image is {name!r}")
        if name not in feed:
            raise ValueError(f"input {name!r} is missing")
        expected = _TYPES.get(self._native.input.data_type, np.float32)
        tensor = np.asarray(feed[name])
        if tensor.dtype != expected:
            raise ValueError(
                f"input {name!r} takes {np.dtype(expected)}, not {tensor.dtype}: pass array.astype(numpy.{np.dtype(expected)})"
            )
        return tensor.astype(np.float32, copy=False)


def _backend(backend: str, providers: Providers | None) -> str:
    """The backend for these providers."""
    if isinstance(providers, str):
        raise TypeError(f"providers must be a list: [{providers!r}]")
    names = [entry if isinstance(entry, str) else entry[0] for entry in providers or ()]
    others = ", ".join(name for name in names if name != _CPU)
    if others and _CPU not in names:
        raise ValueError(
            f"{others} cannot be used: execution providers are ONNX Runtime's own. Leave providers out, or name "
            f"{_CPU!r}; backend= chooses what computes"
        )
    if others:
        warnings.warn(f"{others} cannot be used, so the processor computes", UserWarning, stacklevel=3)
    return "simd" if names and backend == "auto" else backend


def _threads(threads: int | None, options: SessionOptions | None) -> int | None:
    """The number of threads, if one was given."""
    # ONNX Runtime's 0 is one per core.
    asked = threads if threads is not None or options is None else options.intra_op_num_threads or None
    return None if asked is None else _image.count("threads", asked, _native.MAX_THREADS)


def _node(tensor: _native.Tensor) -> NodeArg:
    return NodeArg(tensor.name, tensor.shape, f"tensor({tensor.data_type})")


def _element(node: NodeArg) -> str:
    return node.type.removeprefix("tensor(").removesuffix(")")
