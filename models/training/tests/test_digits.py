"""Crops of digits, the network and the file it becomes."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from codes.pools import Pools
from codes.random_source import RandomSource
from digits.crop import HEIGHT, MOST_DIGITS, WIDTH, Crop, Fonts, letterbox, make_crop
from digits.export import export
from digits.network import BLANK, DigitReader
from digits.train import images_of, loss_of
from digits.validate import best_path, probability


@pytest.fixture(scope="module")
def crops() -> list[Crop]:
    fonts, pools = Fonts(), Pools(3, 0, share=0.05)
    return [make_crop(RandomSource(3, 0, 5, number), fonts, pools) for number in range(60)]


def test_a_crop_is_a_function_of_its_seed(crops: list[Crop]) -> None:
    again = make_crop(RandomSource(3, 0, 5, 7), Fonts(), Pools(3, 0, share=0.05))
    assert again.text == crops[7].text and np.array_equal(again.image, crops[7].image)


def test_crops_are_of_digits_or_of_something_else(crops: list[Crop]) -> None:
    texts = [crop.text for crop in crops]
    assert all(crop.image.shape == (HEIGHT, WIDTH, 3) for crop in crops)
    assert 0 < texts.count("") < 20 and max(map(len, texts)) == MOST_DIGITS


def test_a_crop_keeps_its_proportions() -> None:
    boxed = letterbox(np.full((20, 30, 3), 250, np.uint8))
    assert (boxed[:, :48] == 250).all() and (boxed[:, 48:] == 114).all()
    assert (letterbox(np.full((20, 400, 3), 250, np.uint8))[6:] == 114).all()


def test_a_few_steps_on_a_few_crops_make_the_loss_small(crops: list[Crop]) -> None:
    torch.manual_seed(1)
    model, few = DigitReader(), crops[:8]
    optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
    totals = []
    for _ in range(60):
        loss = loss_of(model(images_of(few)), [crop.text for crop in few])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        totals.append(loss.item())
    assert totals[-1] < 0.4 * totals[0]


def test_texts_and_how_probable_they_are() -> None:
    cells = torch.full((4, BLANK + 1), 1e-9)
    for cell, number, score in ((0, 7, 0.9), (1, 7, 0.6), (2, BLANK, 1.0), (3, 7, 0.5)):
        cells[cell, number] = score
    cells[1, BLANK] = 0.4
    cells[3, BLANK] = 0.5
    assert best_path(cells) == "77"
    assert abs(probability(cells, "77") - 0.9 * 1.0 * 0.5) < 1e-4


def test_the_exported_file_says_what_the_weights_say(tmp_path: Path) -> None:
    torch.manual_seed(2)
    model = DigitReader()
    model(torch.rand(8, 3, HEIGHT, WIDTH))  # gives the normalisation statistics other than 0 and 1
    torch.save(model.state_dict(), tmp_path / "last.pt")
    export(tmp_path / "last.pt", tmp_path / "digits.onnx")
    image = np.random.default_rng(1).integers(0, 256, (1, 3, HEIGHT, WIDTH)).astype(np.float32)
    session = onnxruntime.InferenceSession(str(tmp_path / "digits.onnx"), providers=["CPUExecutionProvider"])
    (actual,) = session.run(None, {"images": image})
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(image) / 255).softmax(2).numpy()
    assert actual.shape == (1, 32, BLANK + 1) and np.abs(expected - actual).max() < 1e-4
    assert onnx.load(tmp_path / "digits.onnx").opset_import[0].version <= 17
    assert 'blank = "last"' in (tmp_path / "digits.toml").read_text()
