"""Write ``tests/golden/dm_control``: what the C++ tests need to know of dm_control.

    PYTHONPATH=build/release/python .venv/bin/python tests/golden/make_dm_control_tables.py

``models.txt`` holds, for every task, hashes of the tables of numbers in the model that the original
steps once an episode has begun, but for what is for drawing. ``tolerance.txt`` holds values of
``dm_control.utils.rewards.tolerance``.
"""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parent / "dm_control"
#: tables of these elements decide how a model moves
PARTS = (
    *("qpos", "body", "bvh", "jnt", "dof", "geom", "site", "hfield", "pair", "exclude"),
    *("eq", "tendon", "wrap", "actuator", "sensor"),
)
#: but these are for drawing
DRAWN = (
    "geom_matid",
    "geom_rgba",
    "site_matid",
    "site_rgba",
    "tendon_matid",
    "tendon_rgba",
)
#: and these differ from one episode to the next, or are a task's own
MOVING = {
    "finger": ("site_pos", "site_size"),
    "fish": ("geom_pos",),
    "manipulator": ("body_pos", "body_quat"),
    "point_mass": ("wrap_prm",),
    "reacher": ("geom_pos", "geom_size"),
    "swimmer": ("geom_pos",),
}


def model_lines(env_id: str) -> list[str]:
    """Lines ``id part hash`` of one task; a hash is over names and numbers, sorted by name."""
    from dm_control import suite

    domain, _, task = env_id.removeprefix("dm_control/").partition("-")
    env = suite.load(domain, task)
    env.reset()
    model: Any = env.physics.model.ptr
    hashes = {part: hashlib.sha256() for part in PARTS}
    for name in sorted(dir(model)):
        part = name.rstrip("0").partition("_")[0]
        value = getattr(model, name) if part in hashes else None
        if isinstance(value, np.ndarray) and name not in (
            *DRAWN,
            *MOVING.get(domain, ()),
        ):
            hashes[part].update(name.encode())
            hashes[part].update(np.ascontiguousarray(value).tobytes())
    lines = [f"{env_id} {part} {hashes[part].hexdigest()[:16]}" for part in PARTS]
    option = model.opt
    numbers = [option.timestep, *option.gravity, *option.wind, option.density]
    numbers += [option.viscosity, option.impratio, option.tolerance, option.iterations]
    numbers += [option.integrator, option.cone, option.jacobian, option.solver]
    numbers += [option.disableflags, option.enableflags, model.nq, model.nv, model.na]
    text = np.array(numbers, dtype=np.float64).tobytes()
    lines.append(f"{env_id} option {hashlib.sha256(text).hexdigest()[:16]}")
    return lines


def tolerance_table() -> str:
    """Lines ``x low high margin sigmoid value_at_margin value``; numbers as Python writes them."""
    from dm_control.utils import rewards

    xs = (-7.5, -1.0, -0.3, 0.0, 0.05, 0.6, 0.999, 1.2, 2.0, 3.7)
    bounds = ((0.0, 0.0), (0.6, float("inf")), (-0.25, 0.25), (1.0, 1.0))
    margins = (0.0, 1.5)
    values = {
        "gaussian": (0.1, 0.6),
        "linear": (0.0, 0.5),
        "quadratic": (0.0, 0.5),
        "long_tail": (0.1, 0.6),
    }
    lines = []
    for sigmoid, at_margins in values.items():
        for x, (low, high), margin, at_margin in itertools.product(
            xs, bounds, margins, at_margins
        ):
            value = rewards.tolerance(x, (low, high), margin, sigmoid, at_margin)
            lines.append(
                f"{x!r} {low!r} {high!r} {margin!r} {sigmoid} {at_margin!r} {value!r}"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both tables."""
    import palaestra

    FOLDER.mkdir(exist_ok=True)
    ids = [i for i in palaestra.env_ids() if palaestra.spec(i).family == "dm_control"]
    lines = [line for env_id in ids for line in model_lines(env_id)]
    (FOLDER / "models.txt").write_text("\n".join(lines) + "\n")
    (FOLDER / "tolerance.txt").write_text(tolerance_table())


if __name__ == "__main__":
    main()
