"""Draw the pictures of ``docs/environments/images``: five moments of an episode of each task.

    PYTHONPATH=build/release/python .venv/bin/python docs/draw_environments.py [ID ...]

The states are our own environments'; classic tasks and maps are drawn by hand, MuJoCo's from the
bodies of the model, seen from the side; Box2D's are frames. ``docs/pictures`` has a file for each.
"""

from __future__ import annotations

import sys

from pictures.episodes import draw
from pictures.films import FILMS, film
from pictures.scenes import SCENES

if __name__ == "__main__":
    for chosen in sys.argv[1:] or [*SCENES, *FILMS]:
        (film if chosen in FILMS else draw)(chosen)
