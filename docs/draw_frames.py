"""Draw the sheets of real pictures in ``docs/environments/images``: one frame of each task.

    PYTHONPATH=build/release/python .venv/bin/python docs/draw_frames.py [FAMILY ...]

The frames are the environments' own (`render`), from the episodes of ``draw_environments.py``.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import palaestra
from pictures.drawing import INK
from pictures.episodes import begin, state_of
from pictures.scenes import SCENES
from pictures.strips import IMAGES
from PIL import Image, ImageDraw

COLUMNS = {"classic": 3, "dm_control": 5, "goal": 5, "mujoco": 4, "stochastic": 3}
#: what in an id makes no other picture: tasks of one domain, mazes of one animal
ALIKE = {"dm_control": re.compile("-.*"), "goal": re.compile("(Dense|_|-).*")}
TILE, CAPTION, GAP = 210, 18, 4  # pixels


def frame(env_id: str, steps: int) -> Image.Image:
    """Draw a task in the middle of an episode, fitted into a tile with its name below."""
    spec = palaestra.spec(env_id)
    options: dict[str, Any] = {}
    if spec.engine and spec.family != "box2d":  # MuJoCo's
        options = {"width": 2 * TILE, "height": 2 * TILE}  # halved: smoother edges
        if spec.tracking_camera:
            options["camera_name"] = spec.tracking_camera
    env = begin(env_id, **options)
    if env_id in SCENES:
        _, policy, _ = SCENES[env_id]
        for step in range(steps):
            env.step(policy(state_of(env), step))
    picture = Image.fromarray(env.render()[0])
    picture.thumbnail((TILE, TILE), Image.Resampling.BOX)
    tile = Image.new("RGB", (TILE, TILE + CAPTION), "white")
    tile.paste(picture, ((TILE - picture.width) // 2, (TILE - picture.height) // 2))
    ImageDraw.Draw(tile).text((4, TILE + 3), env_id, fill=INK)
    return tile


def sheet(family: str) -> Image.Image:
    """Lay out all tasks of a family."""
    specs = [palaestra.spec(i) for i in palaestra.env_ids()]
    ids = [s.id for s in specs if s.family == family and s.render_fps > 0]
    if family in ALIKE:
        ids = list({ALIKE[family].sub("", i): i for i in reversed(ids)}.values())[::-1]
    columns = COLUMNS.get(family, 4)
    rows = -(-len(ids) // columns)
    right, down = TILE + GAP, TILE + CAPTION + GAP
    whole = Image.new("RGB", (columns * right - GAP, rows * down - GAP), "white")
    for k, env_id in enumerate(ids):
        at = (k % columns * right, k // columns * down)
        whole.paste(frame(env_id, 12), at)
    return whole


if __name__ == "__main__":
    for chosen in sys.argv[1:] or COLUMNS:
        picture = sheet(chosen).quantize(256, dither=Image.Dither.NONE)
        picture.save(IMAGES / f"{chosen}_frames.png", optimize=True)
