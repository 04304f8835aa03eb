"""Codes that are read in photographs: ours beside zxing-cpp and OpenCV's decoders.

    pip install zxing-cpp opencv-python-headless numpy
    python3 benches/peers/codes.py LABELS.json IMAGES target/release/framegate

Ours is `framegate eval`, which detects and then reads; the others are given the whole image, decoded and in grey, and
their times leave decoding out. A labelled text is read if it is among the texts of its image, each of which counts for
one label; a text that is none of its image's labels is wrong. Texts are compared as `eval` compares them
(src/eval/texts/comparison.rs).

LABELS.json is Framegate's own, of objects with a `text`. Texts that were labelled by zxing-cpp and cut off, or that
have names for control characters, are completed by it first. With a fourth argument the completed labels are written
there.
"""

import collections
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import cv2
import zxingcpp


def plain(text):
    """The text with the control characters that Unicode has symbols for."""
    return "".join(chr(ord(c) - 0x2400) if 0x2400 <= ord(c) <= 0x2420 else c for c in text)


def number(text):
    """A product's number in 13 digits."""
    if not text.isdigit() or len(text) not in (8, 12):
        return text
    if len(text) == 12:
        return "0" + text
    system, digits, check = text[0], text[1:7], text[7]
    last = digits[5]
    if last in "012":
        long = digits[:2] + last + "0000" + digits[2:5]
    elif last == "3":
        long = digits[:3] + "00000" + digits[3:5]
    elif last == "4":
        long = digits[:4] + "00000" + digits[4]
    else:
        long = digits[:5] + "0000" + last
    return "0" + system + long + check


def message(text):
    """A GS1 message without what shows where its elements begin and end."""
    return "".join(c for c in text if c not in "()\x1d")


def is_same(read, labelled):
    read, labelled = plain(read), plain(labelled)
    ways = (lambda text: text), number, message
    return any(way(read) == way(labelled) for way in ways)


def completed(labels, images):
    for name, entry in labels.items():
        objects = entry.get("objects", entry.get("codes"))
        printed = zxingcpp.read_barcodes(images[name])
        whole = zxingcpp.read_barcodes(images[name], text_mode=zxingcpp.TextMode.Plain)
        for one in objects:
            for short, long in zip(printed, whole, strict=True):
                is_message = short.content_type == zxingcpp.ContentType.GS1
                if short.text[: len(one["text"])] == one["text"] and not is_message:
                    one["text"] = long.text
    return labels


def zxing(image):
    return [code.text for code in zxingcpp.read_barcodes(image, text_mode=zxingcpp.TextMode.Plain)]


def opencv(detector):
    return lambda image: [text for text in detector.detectAndDecodeMulti(image)[1] if text]


def peer(read, labels, images):
    """What `eval` reports of ours: by class labelled and read, wrong texts, milliseconds per image."""
    counts, wrong, times = collections.defaultdict(lambda: [0, 0]), [], []
    for name, entry in labels.items():
        start = time.perf_counter()
        texts = read(images[name])
        times.append((time.perf_counter() - start) * 1e3)
        left = list(texts)
        objects = entry.get("objects", entry.get("codes"))
        for one in objects:
            found = next((text for text in left if is_same(text, one["text"])), None)
            counts[one["label"]][0] += 1
            if found is not None:
                counts[one["label"]][1] += 1
                left.remove(found)
        wrong += [(name, text) for text in left if not any(is_same(text, one["text"]) for one in objects)]
    return counts, wrong, times


def framegate(program, labels, folder):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(labels, file)
        file.flush()
        command = [program, "eval", "--ground-truth", file.name, "--images", folder, "--json"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    report = json.loads(done.stdout)
    texts = report["texts"]
    counts = {one["label"]: [one["labelled"], one["read"]] for one in texts["classes"]}
    wrong = [(pathlib.Path(one["file"]).name, one["text"]) for one in texts["misread"] + texts["unlabelled"]]
    # Detecting takes all images, reading those with boxes.
    return counts, wrong, report["ms_per_image"], texts["ms_per_image"]


def main(labels, folder, program, keep=None):
    labels = json.loads(pathlib.Path(labels).read_text())
    # A box without area is left out by `eval`.
    for entry in labels.values():
        objects = entry.get("objects", entry.get("codes"))
        objects[:] = [one for one in objects if one.get("text") and one["w"] > 0 and one["h"] > 0]
    grey = {name: cv2.imread(str(pathlib.Path(folder) / name), cv2.IMREAD_GRAYSCALE) for name in labels}
    labels = completed(labels, grey)
    if keep:
        pathlib.Path(keep).write_text(json.dumps(labels, ensure_ascii=False))
    counts, wrong, detecting, reading = framegate(program, labels, folder)
    print(f"framegate: {detecting:.1f} ms to detect, {reading:.1f} to read (medians)")
    rows = {"framegate": (counts, wrong)}
    peers = {
        "zxing-cpp": zxing,
        "QRCodeDetector": opencv(cv2.QRCodeDetector()),
        "QRCodeDetectorAruco": opencv(cv2.QRCodeDetectorAruco()),
        "BarcodeDetector": opencv(cv2.barcode_BarcodeDetector()),
    }
    for name, read in peers.items():
        counts, wrong, times = peer(read, labels, grey)
        rows[name] = counts, wrong
        times.sort()
        p95 = times[len(times) * 95 // 100]
        print(f"{name}: {statistics.median(times):.1f} ms, 95 % below {p95:.1f}")
    classes = sorted(rows["zxing-cpp"][0])
    print(f"{'':<20}" + "".join(f"{name:>16}" for name in classes) + f"{'all':>12}{'wrong':>7}")
    for name, (counts, wrong) in rows.items():
        total = [sum(counts[one][which] for one in classes) for which in (0, 1)]
        shares = "".join(f"{counts[one][1]:>10} of {counts[one][0]:>3}"[-16:] for one in classes)
        print(f"{name:<20}{shares}{total[1]:>5} of {total[0]:>3}{len(wrong):>7}")
        for file, text in wrong:
            print(f"    {file}: {text[:60]!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
