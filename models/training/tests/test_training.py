"""The network, the assignment and the files it becomes."""

from pathlib import Path

import numpy as np
import onnx
import torch

from codes import checkpoint
from codes.assign import PADDING, Targets, assign
from codes.boxes import Detection, cells_of, choose, decode, overlap
from codes.checkpoint import Averaged
from codes.classes import CLASS_NAMES, IGNORED
from codes.export import export
from codes.losses import losses
from codes.network import ROW_LENGTH, CodeDetector, count_macs
from codes.train import make_optimizer
from codes.validate import is_found, load_model


def test_the_budget_is_kept() -> None:
    model = CodeDetector()
    assert count_macs(model, 416) <= 350_000_000
    assert 4 * sum(parameter.numel() for parameter in model.parameters()) <= 3_000_000


def test_cells_are_decoded_as_yolox_does() -> None:
    cells = cells_of(416)
    assert len(cells.corners) == 3549
    rows = torch.zeros(3549, ROW_LENGTH)
    rows[52 * 3 + 7, :4] = torch.tensor([0.5, 0.25, np.log(4.0), np.log(2.0)])
    left, top, right, bottom = decode(rows, cells)[52 * 3 + 7].tolist()
    assert np.allclose([left, top, right, bottom], [60 - 16, 26 - 8, 60 + 16, 26 + 8], atol=1e-4)


def test_overlap_of_boxes() -> None:
    first = torch.tensor([0.0, 0, 2, 2])
    second = torch.tensor([1.0, 0, 3, 2])
    iou, generalised = overlap(first, second)
    assert abs(iou.item() - 1 / 3) < 1e-6 and abs(generalised.item() - 1 / 3) < 1e-6
    _, apart = overlap(first, second + 10)
    assert apart.item() < 0


def test_cells_near_a_code_answer_for_it_and_none_for_what_is_ignored() -> None:
    cells = cells_of(128)
    boxes = torch.cat([cells.centres - 20, cells.centres + 20], dim=1)[None]
    targets = Targets(
        torch.tensor([[[20.0, 20, 60, 60], [80, 80, 120, 120], [0, 0, 0, 0]]]), torch.tensor([[2, IGNORED, PADDING]])
    )
    zeros = torch.zeros(1, len(cells.corners))
    found = assign(boxes, zeros, torch.zeros(1, len(cells.corners), 5), targets, cells)
    owned = found.owner[0] == 0
    assert 1 <= owned.sum() <= 10
    assert (found.owner <= 0).all()
    distance = (cells.centres[owned] - 40).abs().amax(1)
    assert (distance < 1.5 * cells.strides[owned, 0]).all()
    inside = ((cells.centres > 80) & (cells.centres < 120)).all(1)
    assert torch.equal(found.ignored[0], inside)


def test_a_few_steps_on_one_image_make_the_loss_small() -> None:
    torch.manual_seed(1)
    model, cells = CodeDetector(), cells_of(64)
    optimizer = make_optimizer(model, 3e-3)
    images = torch.rand(4, 3, 64, 64)
    targets = Targets(torch.tensor([[[10.0, 10, 50, 40]]]).repeat(4, 1, 1), torch.tensor([[3]] * 4))
    totals = []
    for _ in range(40):
        total = losses(model(images), targets, cells).total
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(total.item())
    assert totals[-1] < 0.4 * totals[0]


def test_the_exported_file_says_what_the_checkpoint_says(tmp_path: Path) -> None:
    torch.manual_seed(2)
    model = CodeDetector()
    model(torch.rand(8, 3, 64, 64))  # gives the normalisation statistics other than 0 and 1
    checkpoint.save(tmp_path / "last.pt", model, Averaged(model), make_optimizer(model, 1e-3), 1)
    export(tmp_path / "last.pt", tmp_path / "codes.onnx", 64, 0)
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    expected, actual = (load_model(tmp_path / name, 1)(image) for name in ("last.pt", "codes.onnx"))
    assert actual.shape == (84, ROW_LENGTH)
    assert np.abs(expected - actual).max() < 1e-3
    graph = onnx.load(tmp_path / "codes.onnx")
    assert graph.opset_import[0].version <= 17
    assert "BatchNormalization" not in {node.op_type for node in graph.graph.node}
    assert 'boxes = "yolox"' in (tmp_path / "codes.toml").read_text()


def test_suppression_keeps_the_best_of_each_place() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 10], [50, 50, 60, 60], [30, 0, 40, 10]], float)
    scores = np.zeros((5, 5))
    scores[[0, 1, 2, 3, 4], [0, 0, 1, 0, 1]] = [0.6, 0.9, 0.5, 0.2, 0.4]
    kept = choose(boxes, scores, 0.3)
    assert [(one.label, one.score) for one in kept] == [(0, 0.9), (1, 0.4)]


def test_the_rule_of_being_found() -> None:
    code = {"label": "linear", "x": 100, "y": 50, "w": 100, "h": 2}
    linear = CLASS_NAMES.index("linear")

    def seen(label: int, *box: float) -> bool:
        return is_found(code, [Detection(label, 0.9, np.array(box, float))])

    assert seen(linear, 95, 20, 205, 90)
    assert not seen(0, 95, 20, 205, 90)  # another class
    assert not seen(linear, 95, 60, 205, 90)  # beside the centre
    assert not seen(linear, 0, 0, 201, 90)  # more than twice as long
    assert not seen(linear, 130, 40, 179, 60)  # less than half
