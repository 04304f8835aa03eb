"""What a detector reports, of which parts change; without a model."""

from __future__ import annotations

from typing import Any

import framegate
import pytest


class FakeNative:
    labels = ["person", "car"]

    def __init__(self, *_: Any, **__: Any) -> None:
        self.selected: list[tuple[Any, ...]] = []

    def select(self, *chosen: Any) -> None:
        self.selected.append(chosen)


def test_what_select_leaves_out_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framegate._native.Detector", FakeNative)
    detector = framegate.Detector("m.onnx", conf=0.6, iou=0.3, max_det=5)
    detector.select(classes=["car"])
    detector.select(conf=None, text=False)
    with pytest.raises(ValueError, match="max_det"):
        detector.select(max_det=0, iou=0.9)
    detector.select(classes=None)
    native: Any = detector._native
    assert native.selected == [
        (0.6, 0.3, 5, True, None),
        (0.6, 0.3, 5, True, {1: None}),
        (0.25, 0.3, 5, False, {1: None}),
        (0.25, 0.3, 5, False, None),
    ]
