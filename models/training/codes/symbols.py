"""Codes of every format from real encoders, as grids of modules."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import segno
import zxingcpp

from .classes import AZTEC, DATA_MATRIX, LINEAR, PDF417, QR_CODE
from .random_source import RandomSource

WORDS = (
    "order ticket serial number express parcel lorem ipsum dolor sit amet consectetur invoice gate seat batch item "
    "price customer delivery station museum garden coffee orange bottle paper return track room level street north"
).split()

CLASS_WEIGHTS = {QR_CODE: 31, DATA_MATRIX: 15, AZTEC: 14, PDF417: 15, LINEAR: 25}

FORMAT_WEIGHTS = {
    QR_CODE: {"QRCode": 90, "MicroQRCode": 5, "RMQRCode": 2},
    DATA_MATRIX: {"DataMatrix": 100},
    AZTEC: {"Aztec": 96, "AztecRune": 4},
    PDF417: {"PDF417": 90, "CompactPDF417": 6, "MicroPDF417": 4},
    LINEAR: {
        "EAN13": 24, "EAN8": 6, "UPCA": 14, "UPCE": 10, "Code128": 18, "Code39": 9, "Code93": 4, "ITF": 7,
        "ITF14": 2, "Codabar": 4, "DataBarOmni": 4, "DataBarStk": 2, "DataBarStkOmni": 3, "DataBarLtd": 2,
        "DataBarExp": 5, "DataBarExpStk": 4, "Telepen": 1,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Symbol:
    """A code, one byte a module, without a quiet zone."""

    modules: np.ndarray
    """Rows × columns; 1 is ink, 0 is paper."""
    label: int
    format: str
    text: str
    """What is encoded."""

    @property
    def is_stackless(self) -> bool:
        """Whether every row holds the same bars, so that its height is free."""
        return self.label == LINEAR and "Stk" not in self.format


def random_symbol(random: RandomSource, label: int | None = None) -> Symbol:
    """A code of a random format (of class `label` if given), size, level and content."""
    if label is None:
        label = random.pick_weighted(CLASS_WEIGHTS)
    while True:
        name = random.pick_weighted(FORMAT_WEIGHTS[label])
        try:
            return Symbol(*_encode(random, name, label))
        except (ValueError, segno.DataOverflowError):
            continue  # Content and size drawn together don't always go together.


def encode_add_on(random: RandomSource) -> Symbol:
    """The two or five digits that follow some retail codes."""
    name, text = ("EAN5", _digits(5)(random)) if random.chance(0.7) else ("EAN2", _digits(2)(random))
    image = zxingcpp.write_barcode_to_image(
        zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, name)), scale=1, add_quiet_zones=False
    )
    return Symbol((np.array(image) < 128).astype(np.uint8), LINEAR, name, text)


def _encode(random: RandomSource, name: str, label: int) -> tuple[np.ndarray, int, str, str]:
    text = _CONTENT.get(name, _free_text)(random)
    if name == "QRCode" and random.chance(0.05):
        # The other encoder, for its choice of masks.
        made = segno.make_qr(text, error=random.pick("LMQH"), mask=random.integer(0, 7))
        return np.array(made.matrix, np.uint8), label, name, text
    options = _OPTIONS.get(name, lambda _: {})(random)
    barcode = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, name), **options)
    image = zxingcpp.write_barcode_to_image(barcode, scale=1, add_quiet_zones=False)
    return (np.array(image) < 128).astype(np.uint8), label, name, text


def _digits(count: int) -> Callable[[RandomSource], str]:
    return lambda random: "".join(random.pick(string.digits) for _ in range(count))


def _characters(alphabet: str, low: int, high: int) -> Callable[[RandomSource], str]:
    return lambda random: "".join(random.pick(alphabet) for _ in range(random.integer(low, high)))


def _free_text(random: RandomSource) -> str:
    length = int(random.log_uniform(4, 90) if random.chance(0.85) else random.log_uniform(90, 700))
    kind = random.integer(0, 4)
    if kind == 0:
        return "https://" + random.pick(WORDS) + ".example/" + _characters(string.ascii_lowercase, 1, length)(random)
    if kind == 1:
        return _digits(length)(random)
    if kind == 2:
        return _characters(string.ascii_uppercase + string.digits + " $%*+-./:", length, length)(random)
    if kind == 3:
        return _characters(string.printable[:94], length, length)(random)
    words = ""
    while len(words) < length:
        words += random.pick(WORDS) + " "
    return words.strip()


def _even_digits(random: RandomSource) -> str:
    return _digits(2 * random.integer(2, 9))(random)


def _codabar(random: RandomSource) -> str:
    return random.pick("ABCD") + _characters(string.digits + "-$", 4, 14)(random) + random.pick("ABCD")


def _expanded(random: RandomSource) -> str:
    text = "(01)9" + _digits(12)(random)
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(text[4:]))
    text += str(-total % 10)
    if random.chance(0.6):
        text += "(3103)" + _digits(6)(random)
    if random.chance(0.4):
        text += "(10)" + _characters(string.ascii_uppercase + string.digits, 2, 10)(random)
    return text


def _item_number(random: RandomSource) -> str:
    return random.pick("01") + _digits(12)(random)


_CONTENT: dict[str, Callable[[RandomSource], str]] = {
    "MicroQRCode": _characters(string.digits, 3, 18),
    "RMQRCode": _characters(string.ascii_uppercase, 4, 40),
    "AztecRune": lambda random: str(random.integer(0, 255)),
    "CompactPDF417": _characters(string.printable[:94], 4, 80),
    "MicroPDF417": _characters(string.printable[:94], 3, 60),
    "EAN13": _digits(12),
    "EAN8": _digits(7),
    "UPCA": _digits(11),
    "UPCE": lambda random: "0" + _digits(6)(random),
    "Code128": _characters(string.ascii_uppercase + string.digits * 3 + "-. /", 4, 24),
    "Code39": _characters(string.ascii_uppercase + string.digits + "-. ", 3, 14),
    "Code93": _characters(string.ascii_uppercase + string.digits + "-. ", 3, 18),
    "ITF": _even_digits,
    "ITF14": _digits(13),
    "Codabar": _codabar,
    "DataBarOmni": _item_number,
    "DataBarStk": _item_number,
    "DataBarStkOmni": _item_number,
    "DataBarLtd": _item_number,
    "DataBarExp": _expanded,
    "DataBarExpStk": _expanded,
    "Telepen": _characters(string.ascii_uppercase + string.digits, 3, 12),
}


def _qr_options(random: RandomSource) -> dict[str, object]:
    options: dict[str, object] = {"ec_level": random.pick("LMQH")}
    if random.chance(0.25):
        options["version"] = int(random.log_uniform(1, 40.99))
    return options


def _data_matrix_options(random: RandomSource) -> dict[str, object]:
    # Sizes 1 to 24 are square, 25 to 30 rectangular.
    if random.chance(0.2):
        return {"version": random.integer(25, 30)}
    return {"version": random.integer(1, 24)} if random.chance(0.5) else {}


def _pdf417_options(random: RandomSource) -> dict[str, object]:
    options: dict[str, object] = {"ec_level": str(random.integer(0, 5))}
    if random.chance(0.7):
        options["version"] = int(random.log_uniform(1, 16))
    return options


_OPTIONS: dict[str, Callable[[RandomSource], dict[str, object]]] = {
    "QRCode": _qr_options,
    "DataMatrix": _data_matrix_options,
    "PDF417": _pdf417_options,
    "Aztec": lambda random: {"version": int(random.log_uniform(1, 30))} if random.chance(0.4) else {},
}
