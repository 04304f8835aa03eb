"""Detection in this process."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import framegate
import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import IMAGES, SEVERAL

Pixels = NDArray[np.uint8]


def same(one: framegate.Detections, other: framegate.Detections) -> bool:
    return (
        one.labels == other.labels
        and np.array_equal(one.xyxy, other.xyxy)
        and np.array_equal(one.confidence, other.confidence)
    )


def test_codes_are_found_in_a_file_and_its_bytes(codes: framegate.Detector) -> None:
    labelled = json.loads((IMAGES / "labels.json").read_text())
    for kind in ("aztec", "data_matrix", "pdf417", "qr_code"):
        (known,) = labelled[f"{kind}.jpg"]["objects"]
        found = codes(IMAGES / f"{kind}.jpg")
        assert found.labels[0] == kind and codes.labels[found.class_id[0]] == kind
        assert 0.25 <= found.confidence[0] <= 1
        edges = [known["x"], known["y"], known["x"] + known["w"], known["y"] + known["h"]]
        assert np.abs(found.xyxy[0] - edges).max() < 0.1 * max(known["w"], known["h"])
    jpeg = SEVERAL.read_bytes()
    found = codes(jpeg)
    assert len(found) >= 2 and same(found, codes(str(SEVERAL))) and same(found, codes(bytearray(jpeg)))
    width, height = found.size
    assert (found.xyxy[:, 2] <= width).all() and (found.xyxy[:, 3] <= height).all()
    assert (found.xyxy[:, :2] < found.xyxy[:, 2:]).all()
    assert set(found.timings_ms) == {"decode", "resize", "normalise", "inference", "postprocess", "read"}
    assert found.timings_ms["inference"] > 0


LAYOUTS: dict[str, Callable[[Pixels], Pixels]] = {
    "planar": lambda image: np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0),
    "columns first": np.asfortranarray,
    "with alpha": lambda image: np.dstack([image, image[..., :1]])[..., :3],
    "a part of a larger one": lambda image: np.pad(image, ((3, 2), (5, 7), (0, 0)))[3:-2, 5:-7],
    "upside down in memory": lambda image: np.ascontiguousarray(image[::-1, ::-1])[::-1, ::-1],
    "every second pixel": lambda image: image.repeat(2, axis=0).repeat(2, axis=1)[::2, ::2],
    "read-only": lambda image: np.frombuffer(image.tobytes(), np.uint8).reshape(image.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_strides_give_the_same(codes: framegate.Detector, pixels: Pixels, layout: str) -> None:
    expected = codes(pixels)
    assert len(expected) >= 2
    array = LAYOUTS[layout](pixels)
    assert np.array_equal(array, pixels)
    assert same(codes(array), expected)
    assert same(codes([array, array])[1], expected)


def test_the_order_of_channels_is_said(codes: framegate.Detector, pixels: Pixels) -> None:
    pixels = pixels.copy()
    pixels[..., 0] //= 4
    expected = codes(pixels)
    swapped = np.ascontiguousarray(pixels[..., ::-1])
    assert same(codes(swapped, channels="bgr"), expected)
    assert not same(codes(swapped), expected), "the channels make a difference"
    bgr = framegate.Detector("codes", channels="bgr")
    assert same(bgr(swapped), expected)
    assert same(bgr([swapped, swapped])[1], expected)
    with pytest.raises(ValueError, match="OpenCV"):
        codes(pixels, channels="BGR")  # type: ignore[call-overload]


def test_grey_is_the_same_in_each_channel(codes: framegate.Detector, pixels: Pixels) -> None:
    grey = pixels[..., 1]
    assert same(codes(grey), codes(np.dstack([grey] * 3)))


def test_images_of_pillow_say_their_order() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    photo = image.open(SEVERAL)
    rgb, bgr = framegate.Detector("codes"), framegate.Detector("codes", channels="bgr")
    assert same(rgb(photo), bgr(photo))
    assert same(bgr([photo, photo])[1], rgb(photo))
    for mode in ("P", "LA", "RGBA", "CMYK", "1"):
        with pytest.raises(ValueError, match="convert"):
            rgb(photo.convert(mode))
    for mode in ("I", "F"):
        with pytest.raises(ValueError, match="scale them"):
            rgb(photo.convert(mode))


def test_images_of_pillow_are_upright_or_refused(codes: framegate.Detector) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    ops = pytest.importorskip("PIL.ImageOps")
    photo = image.open(SEVERAL)
    turned = photo.transpose(image.Transpose.ROTATE_90)
    turned.getexif()[0x0112] = 6
    with pytest.raises(ValueError, match=r"orientation 6.*exif_transpose"):
        codes(turned)
    assert same(codes(ops.exif_transpose(turned)), codes(photo))
    assert same(codes(np.asarray(turned)), codes(np.rot90(np.asarray(photo))))


def test_an_array_in_a_file_is_an_array(codes: framegate.Detector, pixels: Pixels, tmp_path: Path) -> None:
    np.save(tmp_path / "image.npy", pixels)
    assert same(codes(np.load(tmp_path / "image.npy", mmap_mode="r")), codes(pixels))


REFUSED: dict[str, tuple[Any, str]] = {
    "floats": (np.zeros((4, 4, 3), np.float32), r"\* 255"),
    "integers": (np.zeros((4, 4, 3), np.int64), "uint8"),
    "nothing": (None, "None"),
    "empty": (np.zeros((0, 4, 3), np.uint8), "was the frame read"),
    "alpha": (np.zeros((4, 5, 4), np.uint8), r"image\[\.\.\., :3\]"),
    "one channel": (np.zeros((4, 5, 1), np.uint8), r"image\[\.\.\., 0\]"),
    "planes": (np.zeros((3, 4, 5), np.uint8), "transpose"),
    "batch": (np.zeros((2, 4, 5, 3), np.uint8), r"list\(images\)"),
    "bytes in an array": (np.zeros(100, np.uint8), "tobytes"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_an_image_is_refused_in_words(codes: framegate.Detector, what: str) -> None:
    image, words = REFUSED[what]
    with pytest.raises(ValueError, match=words):
        codes(image)
    with pytest.raises(ValueError, match=f"image 1: .*{words}"):
        codes([SEVERAL, image])


def test_a_broken_jpeg_is_named(codes: framegate.Detector) -> None:
    with pytest.raises(framegate.FrameError, match="not a JPEG"):
        codes(b"PNG")
    with pytest.raises(framegate.FrameError, match="image 2: truncated"):
        images: list[framegate.Image] = [SEVERAL, SEVERAL, SEVERAL.read_bytes()[:2000]]
        codes(images)
    with pytest.raises(FileNotFoundError):
        codes("missing.jpg")
    assert len(codes(SEVERAL)) > 0


def test_a_batch_is_the_same_as_one_by_one(codes: framegate.Detector, pixels: Pixels) -> None:
    paths = sorted(IMAGES.glob("*.jpg"))
    images: list[framegate.Image] = [*paths, pixels, paths[0].read_bytes(), pixels[..., 0]]
    together = framegate.Detector("codes", max_batch=3)(images)
    assert len(together) == len(images)
    assert all(same(found, codes(image)) for found, image in zip(together, images, strict=True))
    assert codes([]) == []


def test_detections_are_selected(codes: framegate.Detector) -> None:
    everything = codes(SEVERAL)
    kinds = set(everything.labels)
    kind = everything.labels[0]
    number = codes.labels.index(kind)
    selections: list[framegate.Classes] = [[kind], [number], {kind: None}, {number: 0.3}]
    for classes in selections:
        assert set(framegate.Detector("codes", classes=classes)(SEVERAL).labels) == {kind}
    assert kinds != {kind}
    assert len(framegate.Detector("codes", classes={kind: 1.0})(SEVERAL)) == 0
    assert len(framegate.Detector("codes", max_det=1)(SEVERAL)) == 1
    detector = framegate.Detector("codes", conf=0.999)
    assert len(detector(SEVERAL)) < len(everything)
    detector.select()
    assert len(detector(SEVERAL)) < len(everything)
    detector.select(conf=None)
    assert same(detector(SEVERAL), everything)


def test_options_are_refused_in_words() -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"conf": 1.5}, "conf must be from 0 to 1"),
        ({"max_det": 0}, "at least 1"),
        ({"max_batch": 17}, "1 to 16"),
        ({"max_det": "3"}, "at least 1, not '3'"),
        ({"max_det": 2.5}, "at least 1, not 2.5"),
        ({"threads": 0}, "from 1 to 1024"),
        ({"threads": 1_000_000}, "from 1 to 1024"),
        ({"input_size": 640}, r"\(width, height\)"),
        ({"input_size": (640, 0)}, "input_size"),
        ({"classes": ["cat"]}, "no class 'cat'; there are qr_code"),
        ({"classes": []}, "None stands for all"),
        ({"channels": "rgba"}, "bgr"),
    ]
    for options, words in refused:
        with pytest.raises(ValueError, match=words):
            framegate.Detector("codes", **options)
    with pytest.raises(TypeError, match=r"\['qr_code'\]"):
        framegate.Detector("codes", classes="qr_code")
    with pytest.raises(TypeError, match="not bytes"):
        framegate.Detector(b"codes")  # type: ignore[arg-type]
    with pytest.raises(framegate.BackendError, match="unknown backend"):
        framegate.Detector("codes", backend="abacus")
    for address in ["https://example.org/people.onnx", "hf:owner/people/people.onnx"]:
        with pytest.raises(framegate.ModelError, match=f"framegate models pull {address}"):
            framegate.Detector(address)
    with pytest.raises(framegate.ModelError, match=r"missing\.onnx"):
        framegate.Detector("missing.onnx")


def test_other_threads_run_while_it_computes() -> None:
    slow = framegate.Detector("codes", backend="null:latency_ms=300")
    jpeg = SEVERAL.read_bytes()
    thread = threading.Thread(target=lambda: slow(jpeg))
    thread.start()
    turns = 0
    while thread.is_alive():
        turns += 1
    assert turns > 1000


def test_threads_may_share_a_detector(codes: framegate.Detector) -> None:
    expected = codes(SEVERAL)
    results: list[framegate.Detections] = []
    threads = [threading.Thread(target=lambda: results.append(codes(SEVERAL))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(same(found, expected) for found in results)


def test_it_says_what_it_is(codes: framegate.Detector) -> None:
    assert codes.backend == "simd" and codes.device
    assert "qr_code" in codes.labels
    assert min(codes.input_size) > 0
    assert "simd" in repr(codes) and "qr_code" in repr(codes(SEVERAL))


def test_codes_are_read_unless_that_is_not_wanted(codes: framegate.Detector) -> None:
    found = codes(IMAGES / "data_matrix.jpg")
    assert found.text is not None and found.text[0]
    assert found.format == [found[0].format] == ["data_matrix"]
    codes.select(text=False)
    try:
        assert codes(IMAGES / "data_matrix.jpg").text is None
    finally:
        codes.select(text=None)
