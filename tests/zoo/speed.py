"""Times every model of a folder of folders on `simd` and on ONNX Runtime, one image at a time.

    python speed.py FRAMEGATE FOLDER [GROUP …] [--seconds 1] [--rounds 3] [--details FILE.json]

FRAMEGATE is a build with `--features ort`. Each round runs `framegate bench` with the backends in the other order, and the
fastest median of the rounds counts: what else runs on the machine only ever adds time. A model that is slower than
ONNX Runtime at first gets further rounds. Prints one line per model, slowest first, and the median of all ratios.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
from pathlib import Path

IMAGE = Path(__file__).parents[1] / "integration/images/several.jpg"
MINUTES = 3
# Ratios below this are measured in all rounds.
DOUBTFUL = 1.05


def once(program, file, order, seconds):
    """Median milliseconds of inference by backend, and what went wrong otherwise."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        try:
            subprocess.run(
                [program, "bench", "--model", file, "--images", IMAGE, "--backend", ",".join(order),
                 "--seconds", str(seconds), "--json-file", report, "--log-level", "error"],
                capture_output=True, timeout=60 * MINUTES,
            )
        except subprocess.TimeoutExpired:
            return {}, f"took more than {MINUTES} minutes"
        if not report.exists():
            return {}, "no report"
        found = json.loads(report.read_text())
    times = {run["backend"]: run["stages_ms"]["inference"]["median"] for run in found["runs"]}
    return times, "; ".join(str(failure) for failure in found["failures"])[:300]


def measure(program, file, seconds, rounds):
    """The best median of each backend, and their ratio."""
    best = {}
    for turn in range(rounds):
        order = ("ort", "simd") if turn % 2 == 0 else ("simd", "ort")
        times, failure = once(program, file, order, seconds)
        if len(times) < 2:
            return {"file": file.name, "failure": failure}
        best = {name: min(time, best.get(name, time)) for name, time in times.items()}
        if best["ort"] / best["simd"] >= DOUBTFUL:
            break
    return {"file": file.name, **best, "ratio": best["ort"] / best["simd"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framegate", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("groups", nargs="*", help="default: all")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--details", type=Path)
    arguments = parser.parse_intermixed_args()
    results = []
    for file in sorted(arguments.folder.glob("*/*.onnx")):
        if arguments.groups and file.parent.name not in arguments.groups:
            continue
        results.append(measure(arguments.framegate, file, arguments.seconds, arguments.rounds))
        if arguments.details:
            arguments.details.write_text(json.dumps(results, indent=1))
    timed = sorted((r for r in results if "ratio" in r), key=lambda r: r["ratio"])
    print("| model | ONNX Runtime, ms | `simd`, ms | ratio |\n| --- | --- | --- | --- |")
    for r in timed:
        print(f"| {r['file']} | {r['ort']:.2f} | {r['simd']:.2f} | {r['ratio']:.2f} |")
    if timed:
        print(f"\n{len(timed)} models, median {statistics.median(r['ratio'] for r in timed):.2f}")
    for r in results:
        if "failure" in r:
            print(f"not timed: {r['file']}: {r['failure']}")


if __name__ == "__main__":
    main()
