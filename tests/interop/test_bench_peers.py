"""`palaestra bench --peers` with the real peers."""

from __future__ import annotations

from command_line import palaestra


def test_peers_stand_beside_the_batches() -> None:
    """EnvPool and Gymnasium beside the C++ rows, in one run, and all of them slower."""
    result = palaestra(
        "bench", "envs/CartPole-v1/step", "--peers", "--json", timeout=600
    )
    assert result.code == 0, result.err
    assert "warning" not in result.err
    rows = result.json["rows"]
    beside = {(row["n"], row["peer"]) for row in rows}
    assert {
        (n, peer) for n in (16, 1024) for peer in ("envpool", "gymnasium")
    } <= beside
    assert all(row["ratio"] > 1 for row in rows if row["peer"])
