"""Checkpoint files as Python's own safetensors package sees them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("PALAESTRA_BIN", ROOT / "build/release/bin/palaestra")).parent
CORE_TESTS = BIN / "core_tests"


@pytest.mark.skipif(not CORE_TESTS.exists(), reason="the C++ tests are not built")
def test_safetensors_opens_an_archive(tmp_path: Path) -> None:
    """The file written in tests/core/archive_test.cc holds the same blocks here."""
    safetensors = pytest.importorskip("safetensors")
    file = tmp_path / "a.safetensors"
    subprocess.run(
        [CORE_TESTS, "--test-case=an archive gives back what was put in"],
        env={**os.environ, "PALAESTRA_TEST_ARCHIVE": str(file)},
        check=True,
        capture_output=True,
    )
    with safetensors.safe_open(file, framework="np") as archive:
        metadata = archive.metadata()
        blocks = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
    assert metadata["agent"] == 'sac "q" é\n'
    assert len(metadata["palaestra.sha256"]) == 64
    expected = {
        "weights": np.array([[1.5, -2, 3], [0, 5, 6]], dtype=np.float32),
        "step": np.array([42], dtype=np.int64),
        "rate": np.array([0.1], dtype=np.float64),
        "flags": np.array([1, 0, 1], dtype=np.uint8),
        "counts": np.array([-7], dtype=np.int32),
        "none": np.array([], dtype=np.float32),
        "mask": np.array([True, False]),
    }
    assert set(blocks) == {*expected, "stream"}
    assert blocks["stream"].shape == (3,)
    for name, values in expected.items():
        np.testing.assert_array_equal(blocks[name], values, strict=True)
