"""The script behind Stable-Baselines3's learning curves runs as its docstring says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks/peers/sb3_sac_learning.py"


def test_it_trains_on_a_mujoco_task_and_writes_its_evaluations(tmp_path: Path) -> None:
    out = tmp_path / "sb3-3.jsonl"
    options = ["--steps", "120", "--every", "60", "--episodes", "1", "--seed", "3"]
    done = subprocess.run(
        [sys.executable, SCRIPT, *options, "--out", out],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["step"] for row in rows] == [60, 120]
    assert all(len(row["returns"]) == 1 for row in rows)
    assert json.loads(done.stdout.splitlines()[-1])["seed"] == 3
