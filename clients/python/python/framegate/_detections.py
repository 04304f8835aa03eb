"""What was found in an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framegate import _convert
from framegate._native import Found

if TYPE_CHECKING:
    import pandas
    import supervision

_T = TypeVar("_T")

RunLengths = tuple[int, int, list[int]]
"""Height, width, and the lengths of runs outside and inside the object, down the columns: COCO's encoding."""


@dataclass(frozen=True, eq=False)
class Detection:
    """One object."""

    xyxy: tuple[float, float, float, float]
    """Left, top, right and bottom edge in pixels of the image."""
    confidence: float
    """0 to 1."""
    class_id: int
    label: str
    track_id: int | None = None
    keypoints: NDArray[np.float32] | None = None
    """``[K, 3]``: x, y, score."""
    mask: NDArray[np.bool_] | None = None
    """``[height, width]``."""
    angle: float | None = None
    """Clockwise rotation in radians."""
    corners: NDArray[np.float32] | None = None
    """``[4, 2]``: of an oriented box."""
    text: str | None = None
    """The text of a code, or what a second model reads in the box."""
    format: str | None = None
    """The symbology of a code that was read: ``"qr_code"``, ``"ean_13"``, …."""
    content: str | None = None
    """The nature of ``text`` where it is none for people: ``"gs1"`` (identifiers in parentheses), or ``"binary"`` (each
    byte as the character of that number: ``text.encode("latin-1")``)."""


@dataclass(frozen=True, eq=False)
class Detections:
    """The objects in one image, highest confidence first.

    ``detections[0]`` and iteration give a :class:`Detection`; a slice, a mask (``detections[detections.confidence >
    0.5]``) or a list of indices gives :class:`Detections`.
    """

    xyxy: NDArray[np.float32]
    """``[N, 4]``: left, top, right and bottom edge in pixels of the image."""
    confidence: NDArray[np.float32]
    """``[N]``: 0 to 1."""
    class_id: NDArray[np.int64]
    """``[N]``."""
    labels: list[str]
    """``N`` names of classes."""
    size: tuple[int, int]
    """Width and height of the image, turned upright if it is a JPEG that says how."""
    track_id: NDArray[np.int64] | None = None
    """``[N]``: numbers from 1 that stay with their objects; ``None`` unless tracked."""
    keypoints: NDArray[np.float32] | None = None
    """``[N, K, 3]``: x, y, score; ``None`` if the model has none, or nothing was found."""
    angle: NDArray[np.float32] | None = None
    """``[N]``: clockwise rotation in radians, of oriented boxes."""
    corners: NDArray[np.float32] | None = None
    """``[N, 4, 2]``: clockwise from an oriented box's own top left corner."""
    text: list[str | None] | None = None
    """``N`` texts of codes, or of what a second model reads in the boxes; ``None`` if nothing was read."""
    format: list[str | None] | None = None
    """``N`` symbologies of codes; ``None`` if no code was read."""
    content: list[str | None] | None = None
    """``N`` natures of texts, ``"gs1"`` or ``"binary"``; ``None`` if all are texts as such."""
    run_lengths: list[RunLengths | None] | None = None
    """Masks as they are sent; :attr:`masks` has them as pixels."""
    tensors: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    """The outputs of a model that has no boxes."""
    timings_ms: dict[str, float] = field(default_factory=dict)
    """Milliseconds in each stage: ``decode``, ``resize``, ``normalise``, ``inference``, ``postprocess``, and ``read`` where boxes are
    read."""

    @classmethod
    def _of(cls, found: Found, labels: Sequence[str]) -> Detections:
        return cls(
            xyxy=found.xyxy,
            confidence=found.confidence,
            class_id=found.class_id,
            labels=[labels[number] for number in found.class_id],
            size=found.size,
            keypoints=found.keypoints,
            angle=found.angle,
            corners=found.corners,
            text=found.text,
            format=found.format,
            content=found.content,
            run_lengths=found.masks,
            tensors={name: _convert.tensor(shape, data) for name, shape, data in found.tensors},
            timings_ms=found.timings_ms,
        )

    def __len__(self) -> int:
        return len(self.confidence)

    def __iter__(self) -> Iterator[Detection]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Detection: ...
    @overload
    def __getitem__(self, index: slice | ArrayLike) -> Detections: ...
    def __getitem__(self, index: int | slice | ArrayLike) -> Detection | Detections:
        if isinstance(index, tuple):
            raise TypeError(f"detections have one axis: write detections[{list(index)}] for several")
        if isinstance(index, np.ndarray) and index.ndim == 0 and index.dtype.kind in "iu":
            index = int(index)
        if isinstance(index, (int, np.integer)):
            return self._one(int(index))
        places = np.arange(len(self))
        if isinstance(index, slice):
            places = places[index]
        else:
            chosen = np.asarray(index)
            places = places[chosen if chosen.size else []]
        return replace(
            self,
            xyxy=self.xyxy[places],
            confidence=self.confidence[places],
            class_id=self.class_id[places],
            labels=[self.labels[place] for place in places],
            track_id=_rows(self.track_id, places),
            keypoints=_rows(self.keypoints, places),
            angle=_rows(self.angle, places),
            corners=_rows(self.corners, places),
            text=_chosen(self.text, places),
            format=_chosen(self.format, places),
            content=_chosen(self.content, places),
            run_lengths=_chosen(self.run_lengths, places),
        )

    def _one(self, index: int) -> Detection:
        left, top, right, bottom = self.xyxy[index].tolist()
        lengths = None if self.run_lengths is None else self.run_lengths[index]
        return Detection(
            xyxy=(left, top, right, bottom),
            confidence=float(self.confidence[index]),
            class_id=int(self.class_id[index]),
            label=self.labels[index],
            track_id=None if self.track_id is None else int(self.track_id[index]),
            keypoints=None if self.keypoints is None else self.keypoints[index],
            mask=None if lengths is None else _convert.mask(lengths),
            angle=None if self.angle is None else float(self.angle[index]),
            corners=None if self.corners is None else self.corners[index],
            text=None if self.text is None else self.text[index],
            format=None if self.format is None else self.format[index],
            content=None if self.content is None else self.content[index],
        )

    def __repr__(self) -> str:
        found = ", ".join(f"{found.label} {found.confidence:.2f}" for found in self[:8])
        return f"<{len(self)} detections in {self.size[0]}x{self.size[1]}: {found}{', …' if len(self) > 8 else ''}>"

    @property
    def masks(self) -> NDArray[np.bool_] | None:
        """``[N, height, width]``, made at each call; ``None`` unless the detector was asked for masks."""
        if self.run_lengths is None:
            return None
        width, height = self.size
        masks = np.zeros((len(self), height, width), dtype=np.bool_)
        for place, lengths in zip(masks, self.run_lengths, strict=True):
            if lengths is not None:
                place[:] = _convert.mask(lengths)
        return masks

    def to_supervision(self) -> supervision.Detections:
        """The same for the package ``supervision``: boxes, masks, ``tracker_id``, and where there are any, in ``data``
        ``class_name``, ``xyxyxyxy`` (the corners of oriented boxes, as its annotators want them), ``angle``,
        ``keypoints`` (``[N, K, 3]``), ``text``, ``format`` and ``content`` (``None`` where nothing was read)."""
        return _convert.to_supervision(self)

    def to_coco(
        self, image_id: int | np.integer, category_ids: Sequence[int] | NDArray[np.integer] | None = None
    ) -> list[dict[str, Any]]:
        """The entries of a COCO results file. ``category_ids`` has the category of each class, by default its
        number; the ones of the COCO data set itself have gaps. All values are Python's own, as JSON wants them."""
        return _convert.to_coco(self, image_id, category_ids)

    def to_pandas(self) -> pandas.DataFrame:
        """A table with a row for each object and a column for everything that is known of it: ``label``, ``class_id``,
        ``confidence``, ``left``, ``top``, ``right``, ``bottom``, and where there are any ``track_id``, ``text``,
        ``format``, ``content``, ``angle``, ``corners`` and ``keypoints`` (lists of points), ``mask`` (COCO's run
        lengths)."""
        return _convert.to_pandas(self)


def _chosen(values: list[_T] | None, places: NDArray[np.intp]) -> list[_T] | None:
    return None if values is None else [values[place] for place in places]


def _rows(values: NDArray[Any] | None, places: NDArray[np.intp]) -> NDArray[Any] | None:
    return None if values is None else values[places]
