"""The program ``framegate``, which is in the wheel's library."""

import signal
import sys

from framegate._native import run_program


def main() -> None:
    # Ctrl-c belongs to the program: Python's handler would only note it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    again = [sys.executable, "-m", "framegate"]
    sys.exit(run_program(["framegate", *sys.argv[1:]], again))
