"""`palaestra bench`: its columns, its table, the peers beside it."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from command_line import ROOT, palaestra

COLUMNS = {
    *("name", "value", "unit", "threads", "n", "peer", "peer_version", "peer_value"),
    *("ratio", "limit", "share_of_limit"),
}


def stand_in(folder: Path, script: str) -> dict[str, str]:
    """An interpreter for the peers' scripts that is ours: it gets their paths and prints rows."""
    program = folder / "python"
    program.write_text(f"#!{sys.executable}\nimport json, pathlib, sys\n{script}\n")
    program.chmod(0o755)
    return {"PALAESTRA_PEERS_PYTHON": str(program)}


def test_columns() -> None:
    """One document: rows with exactly the columns of the contract, and the machine."""
    result = palaestra("bench", "replay/append", "replay/uniform", "--json")
    assert result.code == 0, result.err
    document = result.json
    assert set(document) == {"machine", "program", "rows", "notes"}
    assert {"cpu", "cores", "load_average"} <= set(document["machine"])
    assert document["program"]["commit"]
    rows = document["rows"]
    assert len(rows) >= 4
    for row in rows:
        assert set(row) == COLUMNS
        assert row["name"].startswith(("replay/append", "replay/uniform"))
        assert row["value"] > 0
        assert row["unit"] == "us"
        assert row["threads"] == 1
        assert (row["peer"], row["peer_value"], row["ratio"]) == (None, None, None)
        assert document["notes"][row["name"]]["better"] == "lower"
    sampled = next(row for row in rows if row["limit"])
    share = sampled["limit"] / sampled["value"]
    assert sampled["share_of_limit"] == pytest.approx(share)
    assert document["notes"][sampled["name"]]["limit"]


def test_a_table_for_people() -> None:
    result = palaestra("bench", "replay")
    assert result.code == 0
    machine, program, *_ = result.out.splitlines()
    assert "cores" in machine
    assert "load" in machine
    assert program.startswith("palaestra ")
    for part in (
        "name",
        "ratio",
        "share of the limit",
        "replay/uniform",
        " us ",
        " % of ",
    ):
        assert part in result.out
    assert result.err.startswith("palaestra: bench: replay: ")
    assert palaestra("bench", "replay", "--quiet").err == ""


def test_peers_that_are_not_installed() -> None:
    """Said at once, before anything is measured, with the way to install them."""
    result = palaestra(
        "bench", "--peers", env={"PALAESTRA_PEERS_PYTHON": "/nowhere"}, timeout=10
    )
    assert result.code == 2
    assert "make peers" in result.err
    assert result.out == ""


def test_mistakes() -> None:
    result = palaestra("bench", "replay", "mujico/HalfCheetah-v5")
    assert result.code == 2
    assert 'did you mean "mujoco"' in result.err
    result = palaestra("bench", "mujoco/HalfCheetah-v")
    assert result.code == 2
    assert result.out == ""
    assert 'did you mean "mujoco/HalfCheetah-v5"' in result.err


def test_peers_stand_beside_our_rows(tmp_path: Path) -> None:
    """The figures of the scripts are joined by name, n and threads; failures are told."""
    rows = [
        {"name": "replay/append", "n": 8, "peer": "slow", "peer_value": 50.0},
        {"name": "replay/append", "n": 8, "peer": "fast", "peer_value": 0.01},
        {"name": "python/own", "n": 1, "peer": "slow", "peer_value": 4.0, "value": 2.0},
        {"name": "replay/unheard_of", "n": 8, "peer": "slow", "peer_value": 1.0},
    ]
    common = {"unit": "us", "threads": 1, "peer_version": "9.1"}
    document = json.dumps({"rows": [{**common, **row} for row in rows]})
    script = f"""
if pathlib.Path(sys.argv[1]).stem == "replay":
    print({document!r})
else:
    sys.exit("no such module: something")
"""
    result = palaestra(
        *("bench", "replay/append", "--peers", "--json"), env=stand_in(tmp_path, script)
    )
    assert result.code == 0, result.err
    found = {(r["name"], r["n"], r["peer"]): r for r in result.json["rows"]}
    slow, fast = (found["replay/append", 8, peer] for peer in ("slow", "fast"))
    assert slow["ratio"] == pytest.approx(50 / slow["value"])  # a time: less is better
    assert fast["ratio"] < 1 < slow["ratio"]
    assert slow["value"] == fast["value"]
    assert slow["peer_version"] == "9.1"
    assert found["replay/append", 64, None]["ratio"] is None
    assert not any("unheard_of" in name for name, _, _ in found)


def test_a_peer_that_fails(tmp_path: Path) -> None:
    env = stand_in(tmp_path, 'sys.exit("no such module: something")')
    result = palaestra("bench", "replay/append", "--peers", "--json", env=env)
    assert result.code == 0  # ours was measured
    assert "no such module: something" in result.err
    result = palaestra("bench", "python", "--peers", env=env)
    assert result.code == 2  # nothing was
    assert "no peer works" in result.err


def test_no_script_of_the_peers_hides_a_module() -> None:
    """Their folder comes first on the path: a mujoco.py in it was what Gymnasium imported."""
    scripts = list((ROOT / "benchmarks/peers").glob("*.py"))
    assert len(scripts) > 4
    for script in scripts:
        hidden = importlib.util.find_spec(script.stem)
        # a folder without __init__.py, such as replay/ beside us, is no module
        assert hidden is None or hidden.origin is None, script
