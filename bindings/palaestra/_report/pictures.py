"""What the environments of a section look like, as small pictures within the page."""

from __future__ import annotations

import base64
import functools
import io
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from reading import Section
from words import text

#: Steps into an episode: of random actions, which end soon, and of a trained agent.
RANDOM_STEPS, TRAINED_STEPS = 10, 100
#: Pixels: the widest that a picture is kept; more environments than this are only named.
WIDEST, MOST = 320, 12


@dataclass(frozen=True)
class Shot:
    """A picture to be taken: of whom, and the words below it."""

    env: str
    arguments: tuple[str, ...]
    caption: str


def shots(section: Section) -> list[Shot]:
    """One of each environment that occurs, with an agent trained there where there is one."""
    wanted: dict[tuple[str, str], Shot] = {}
    shown_by_an_agent = set()
    for arm in section.arms:
        env, options = arm.option("env"), arm.option("env-options")
        if not env or not arm.runs:  # an arm without runs is none of this scale
            continue
        trained = next(section.run_folders(arm), None)
        if (env, options) in shown_by_an_agent:
            continue
        if trained:
            seed, folder = trained
            shown_by_an_agent.add((env, options))
            wanted[env, options] = Shot(
                env,
                (str(folder), "--steps", str(TRAINED_STEPS), "--seed", "0"),
                f"{env}: the agent of {arm.method}, seed {seed}, after at most "
                f"{TRAINED_STEPS} steps",
            )
            continue
        with_options = ("--env-options", options) if options else ()
        shot = Shot(
            env,
            (env, "--steps", str(RANDOM_STEPS), *with_options),
            f"{env}{f' ({options})' if options else ''}: after {RANDOM_STEPS} random actions",
        )
        wanted.setdefault((env, options), shot)
    return list(wanted.values())


@functools.cache
def take(program: str, shot: Shot) -> bytes | str:
    """Let the ``palaestra`` command draw; a PNG no wider than WIDEST, or why there is none."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.png"
        try:
            done = subprocess.run(
                [program, "render", *shot.arguments, "--out", file, "--quiet"],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            return said[-1] if said else f"exit code {done.returncode}"
        picture = Image.open(file).convert("RGB")
        picture.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
        kept = io.BytesIO()
        picture.quantize(128).save(kept, format="PNG", optimize=True)
        return kept.getvalue()


def gallery(section: Section, program: str) -> str:
    """The pictures of a section side by side; a remark on those that cannot be had."""
    wanted = shots(section) if program else []
    if not wanted:
        return ""
    with ThreadPoolExecutor(2) as pool:
        taken = list(pool.map(lambda shot: take(program, shot), wanted[:MOST]))
    figures, remarks = [], []
    for shot, picture in zip(wanted, taken, strict=False):
        if isinstance(picture, str):
            remarks.append(f"No picture of {shot.env}: {picture}")
            continue
        data = base64.b64encode(picture).decode()
        figures.append(
            f'<figure><img alt="{text(shot.env)}" src="data:image/png;base64,{data}">'
            f"<figcaption>{text(shot.caption)}</figcaption></figure>"
        )
    if len(wanted) > MOST:
        remarks.append("Without pictures: " + ", ".join(s.env for s in wanted[MOST:]))
    notes = "".join(f'<p class="soft">{text(remark)}</p>' for remark in remarks)
    shown = f'<div class="gallery">{"".join(figures)}</div>' if figures else ""
    return f"<h3>Environments</h3>{shown}{notes}"
