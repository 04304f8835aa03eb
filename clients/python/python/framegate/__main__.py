"""``python -m framegate``: the program."""

from framegate._cli import main

main()
