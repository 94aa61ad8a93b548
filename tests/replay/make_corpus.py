"""Write the small files of tests/replay/corpus with h5py: python tests/replay/make_corpus.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

FOLDER = Path(__file__).parent / "corpus"
ROWS = 4


def columns() -> dict[str, Any]:
    end = np.array([False, True, False, True])
    observation = np.arange(2.0 * (ROWS + 1), dtype=np.float32).reshape(-1, 2)
    return {
        "observations": observation[:-1],
        "next_observations": observation[1:],
        "actions": np.linspace(-1, 1, ROWS, dtype=np.float32).reshape(-1, 1),
        "rewards": np.arange(ROWS, dtype=np.float32),
        "terminals": end & (np.arange(ROWS) == 1),
        "timeouts": end & (np.arange(ROWS) == 3),
    }


def d4rl(name: str, libver: Any = None, **options: Any) -> None:
    with h5py.File(FOLDER / name, "w", libver=libver) as h5:
        for key, values in columns().items():
            h5.create_dataset(key, data=values, **options)
        h5.attrs["env"] = "Made-v0"
        h5.attrs["word"] = np.bytes_(b"fixed")


def minari(name: str, libver: Any = None, track_order: bool = False) -> None:
    with h5py.File(FOLDER / name, "w", libver=libver, track_order=track_order) as h5:
        for episode in range(2):
            group = h5.create_group(f"episode_{episode}", track_order=track_order)
            group.attrs["seed"] = 7
            group.attrs["total_steps"] = 2
            if track_order:  # more than the header of an object holds
                for i in range(9):
                    group.attrs[f"a{i}"] = i
            group["observations"] = np.arange(6, dtype=np.float32).reshape(3, 2)
            group["actions"] = np.zeros(2, np.int64)
            group["rewards"] = np.ones(2)
            group["terminations"] = np.array([False, True])
            group["truncations"] = np.zeros(2, bool)
            infos = group.create_group("infos", track_order=track_order)
            for i in range(9 if track_order else 1):
                infos[f"x{i}"] = np.zeros(3)


def main() -> None:
    """Every structure that the reader knows, once."""
    FOLDER.mkdir(exist_ok=True)
    d4rl("d4rl_plain.hdf5")
    d4rl("d4rl_v108.hdf5", libver=("v108", "v108"))
    d4rl("d4rl_gzip.hdf5", compression="gzip", shuffle=True, fletcher32=True)
    minari("minari_plain.hdf5")
    minari("minari_dense.hdf5", libver=("v108", "v108"), track_order=True)
    (FOLDER / "metadata.json").write_text(
        '{"total_episodes": 2, "action_space": "{\\"type\\": \\"Discrete\\", \\"n\\": 2, '
        '\\"start\\": 0}", "observation_space": "{\\"type\\": \\"Dict\\", \\"subspaces\\": '
        '{\\"a\\": {\\"type\\": \\"Box\\", \\"dtype\\": \\"float32\\", \\"shape\\": [2], '
        '\\"low\\": [-Infinity, 0], \\"high\\": [1, NaN]}}}"}'
    )


if __name__ == "__main__":
    main()
