"""Data sets on disk against the packages whose formats they are: minari and h5py."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import h5py
import minari
import numpy as np
import palaestra
import pytest
from data_sets import ACTION, BOX, GOAL, made_up, same, write_d4rl_oracle
from gymnasium import spaces
from minari.data_collector import EpisodeBuffer
from palaestra import UserError, data

SPACES = {
    "box": (BOX, ACTION),
    "discrete": (spaces.Discrete(7), spaces.Discrete(3, start=2)),
    "goal": (GOAL, ACTION),
    "nested": (
        spaces.Dict({"a": spaces.Tuple((BOX, spaces.Discrete(3))), "b": BOX}),
        spaces.Tuple((spaces.Discrete(2), ACTION)),
    ),
    "numbers": (
        spaces.Box(0, 255, (2, 2), np.uint8),
        spaces.Box(-3, 3, (1,), np.int32),
    ),
}


@pytest.fixture(autouse=True)
def minari_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    (tmp_path / "minari").mkdir()


def write_with_minari(
    name: str, episodes: list[dict[str, Any]], kind: str, **options: Any
) -> tuple[minari.MinariDataset, Path]:
    observation, action = SPACES[kind]
    buffers = [EpisodeBuffer(id=None, options=None, **episode) for episode in episodes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = minari.create_dataset_from_buffers(
            name,
            buffers,
            observation_space=observation,
            action_space=action,
            **options,
        )
    return made, Path(str(made.spec.data_path)).parent


def require_same(mine: data.Episode, other: Any) -> None:
    assert len(mine) == len(other)
    assert same(mine.observations, other.observations)
    assert same(mine.actions, other.actions)
    assert same(mine.rewards, other.rewards)
    assert same(mine.terminations, other.terminations)
    assert same(mine.truncations, other.truncations)
    assert same(mine.infos, other.infos)


@pytest.mark.parametrize("kind", SPACES)
def test_what_minari_wrote(kind: str) -> None:
    """Every number, every type, the spaces and the seeds, as minari itself reads them."""
    made, folder = write_with_minari(
        "oracle/set-v0", made_up((5, 1, 12), *SPACES[kind]), kind
    )
    read = data.open_data_set(folder)
    assert read.format == "minari"
    assert len(read) == made.total_episodes == 3
    assert read.total_steps == made.total_steps == 18
    for mine, other in zip(read, made, strict=True):
        require_same(mine, other)
    assert [episode.seed for episode in read] == [100, 101, 102]
    assert read.metadata["dataset_id"] == "oracle/set-v0"
    assert read.observation_space == made.observation_space
    assert read.action_space == made.action_space
    assert read.check()["problems"] == []


@pytest.mark.parametrize("kind", SPACES)
@pytest.mark.parametrize("compression", [0, 4])
def test_what_minari_reads(kind: str, compression: int, tmp_path: Path) -> None:
    """Minari opens what we wrote, and finds what we were given."""
    observation, action = SPACES[kind]
    episodes = made_up((5, 1, 12), observation, action)
    data.write_minari(
        tmp_path / "mine-v3",
        episodes,
        observation_space=observation,
        action_space=action,
        metadata={"author": ["me"], "note": "ü"},
        compression=compression,
    )
    read = minari.MinariDataset(tmp_path / "mine-v3" / "data")
    assert read.total_episodes == 3
    assert read.total_steps == 18
    assert read.id == "mine-v3"
    assert read.observation_space == observation
    assert read.action_space == action
    assert read.storage.metadata["author"] == {"me"}
    assert read.storage.metadata["note"] == "ü"
    mine = data.open_data_set(tmp_path / "mine-v3")
    for number, (other, given) in enumerate(zip(read, episodes, strict=True)):
        for name in (
            "observations",
            "actions",
            "rewards",
            "terminations",
            "truncations",
        ):
            assert same(getattr(other, name), given[name]), name
        assert same(other.infos, given["infos"])
        assert other.id == number
        require_same(mine[number], other)
    facts = list(read.storage.get_episode_metadata([0, 1, 2]))
    assert [f["seed"] for f in facts] == [100, 101, 102]
    assert [f["total_steps"] for f in facts] == [5, 1, 12]
    read.set_seed(0)
    assert len(list(read.sample_episodes(2))) == 2


def test_spaces_that_are_no_box(tmp_path: Path) -> None:
    """Values are read, int8 as int32; a space that we do not have is not made up."""
    SPACES["bits"] = (spaces.MultiBinary(4), spaces.MultiDiscrete([3, 4]))
    made, folder = write_with_minari(
        "bits-v0", made_up((5, 2), *SPACES["bits"]), "bits"
    )
    read = data.open_data_set(folder)
    assert read.observation_space is None
    for mine, other in zip(read, made, strict=True):
        assert same(mine.observations, other.observations.astype(np.int32))
        assert same(mine.actions, other.actions)
    assert read.check()["good"]
    assert read.convert(tmp_path / "copy", "minari") == []
    copy = minari.MinariDataset(tmp_path / "copy" / "data")
    assert copy.observation_space == spaces.MultiBinary(4)
    assert copy.action_space == spaces.MultiDiscrete([3, 4])
    assert np.array_equal(copy[1].observations, made[1].observations)


def test_minari_loads_filters_and_appends(tmp_path: Path) -> None:
    """By its name, with its own tools, and further episodes can be added."""
    folder = tmp_path / "minari" / "mine-v0"
    data.write_minari(
        folder, made_up((4, 6)), observation_space=BOX, action_space=ACTION
    )
    loaded = minari.load_dataset("mine-v0")
    long = loaded.filter_episodes(lambda episode: len(episode) > 5)
    assert long.total_episodes == 1
    more = made_up((3,), seed=5)[0]
    loaded.update_dataset_from_buffer([EpisodeBuffer(**more)])
    again = data.open_data_set(folder)
    assert [len(episode) for episode in again] == [4, 6, 3]
    assert same(again[2].observations, more["observations"])
    assert again.check()["good"]


def test_minari_files_with_new_structures(tmp_path: Path) -> None:
    """Groups and attributes as HDF5 1.8 and later keep them, dense ones included."""
    data.write_minari(
        tmp_path / "old", made_up((3,) * 40), observation_space=BOX, action_space=ACTION
    )
    (tmp_path / "new" / "data").mkdir(parents=True)
    (tmp_path / "new" / "data" / "metadata.json").write_bytes(
        (tmp_path / "old" / "data" / "metadata.json").read_bytes()
    )
    with (
        h5py.File(tmp_path / "old/data/main_data.hdf5") as old,
        h5py.File(
            tmp_path / "new/data/main_data.hdf5",
            "w",
            libver=("v108", "v108"),
            track_order=True,
        ) as new,
    ):
        for name in old:
            source, target = old[name], new.create_group(name, track_order=True)
            for i in range(30):  # more than an object's header holds
                target.attrs[f"filler_{i}"] = "x" * i
            target.attrs["seed"] = 7
            for key in (
                "actions",
                "observations",
                "rewards",
                "terminations",
                "truncations",
            ):
                target.create_dataset(key, data=source[key][()], chunks=True)
            infos = target.create_group("infos", track_order=True)
            for i in range(20):
                infos[f"info_{i}"] = np.arange(4.0) + i
    old_set, new_set = (data.open_data_set(tmp_path / name) for name in ("old", "new"))
    assert len(new_set) == 40
    for a, b in zip(old_set, new_set, strict=True):
        assert same(a.observations, b.observations)
        assert same(a.rewards, b.rewards)
        assert b.seed == 7
        assert len(b.infos) == 20
        assert same(b.infos["info_13"], np.arange(4.0) + 13)


TYPES = {
    "float16": np.float32, "float32": np.float32, "float64": np.float64,
    ">f4": np.float32, ">f8": np.float64, ">i2": np.int32, ">i8": np.int64,
    "int8": np.int32, "int16": np.int32, "int32": np.int32, "int64": np.int64,
    "uint8": np.uint8, "uint16": np.int32, "uint32": np.int64, "uint64": np.int64, "bool": bool,
}  # fmt: skip
LAYOUTS: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "chunked": {"chunks": (7, 2, 1)},
    "whole rows": {"chunks": (5, 3, 4)},
    "wide chunks": {"chunks": (64, 5, 9), "maxshape": (None, None, None)},
    "gzip": {"compression": "gzip", "chunks": (6, 2, 3)},
    "gzip and shuffle": {"compression": 9, "shuffle": True, "chunks": (6, 3, 4)},
    "all filters": {
        "compression": 1,
        "shuffle": True,
        "fletcher32": True,
        "chunks": (9, 2, 2),
    },
    "checksum": {"fletcher32": True, "chunks": (6, 3, 4)},
    "growing": {"maxshape": (None, 3, 4), "chunks": True},
}


@pytest.mark.parametrize("libver", ["earliest", "v108"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_type_and_layout(layout: str, libver: str, tmp_path: Path) -> None:
    """Against h5py, as a whole, in ranges and row by row."""
    rows = 50
    file = tmp_path / "all.hdf5"
    write_d4rl_oracle(file, made_up((rows,)))
    random = np.random.default_rng(0)
    given = {}
    mode = {"libver": (libver, "v108")} if libver != "earliest" else {}
    with h5py.File(file) as old, h5py.File(tmp_path / "new.hdf5", "w", **mode) as h5:
        for name in ("observations", "actions", "rewards", "terminals", "timeouts"):
            h5[name] = old[name][()]
        for kind in TYPES:
            values = random.integers(0, 100, (rows, 3, 4)).astype(kind)
            if np.dtype(kind).kind == "f":
                values = random.normal(size=(rows, 3, 4)).astype(kind)
                values[3, 2, 1], values[4, 0, 0] = np.inf, np.nan
                values[5, 0, 0], values[6, 0, 0] = 6e-8, -0.0  # float16: subnormal
            h5.create_dataset(f"infos/{kind}", data=values, **LAYOUTS[layout])
            given[kind] = values
    episode = data.open_data_set(tmp_path / "new.hdf5")[0]
    for kind, values in given.items():
        expected = values.astype(TYPES[kind])
        assert same(episode.infos[kind], expected), kind
        column = f"info/{kind}"
        assert same(episode.read(column, 11, 38), expected[11:38])
        assert same(episode.read(column, 50, 50), expected[:0])
        for row in (0, 6, 7, 49):
            assert same(episode.read(column, row, row + 1), expected[row : row + 1])


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_d4rl(compression: str | None, tmp_path: Path) -> None:
    episodes = made_up((5, 1, 12, 3))
    file = tmp_path / "set.hdf5"
    write_d4rl_oracle(file, episodes, compression=compression)
    read = data.open_data_set(file)
    assert read.format == "d4rl"
    assert [len(e) for e in read] == [5, 1, 12, 3]
    assert read.total_steps == 21
    for mine, given in zip(read, episodes, strict=True):
        assert mine.last_known
        assert same(mine.observations, given["observations"])
        assert same(mine.actions, given["actions"])
        assert same(mine.rewards, given["rewards"].astype(np.float32))
        assert same(mine.terminations, given["terminations"])
        assert same(mine.truncations, given["truncations"])
        assert same(mine.infos["x"], given["infos"]["x"][:-1])
        assert mine.total_return == pytest.approx(given["rewards"].sum(), rel=1e-6)
    assert read.check()["good"]


def test_d4rl_without_next_observations_and_timeouts(tmp_path: Path) -> None:
    episodes = made_up((5, 4, 6))
    file = tmp_path / "set.hdf5"
    write_d4rl_oracle(file, episodes, timeouts=False, next_observations=False)
    read = data.open_data_set(file)
    assert [len(e) for e in read] == [5, 10]  # nothing says where the second ended
    assert not read[0].last_known
    assert same(read[0].observations, episodes[0]["observations"][:-1])
    limited = data.open_data_set(file, time_limit=4)
    assert [len(e) for e in limited] == [4, 1, 4, 4, 2]
    assert [e.truncated for e in limited] == [True, False, True, True, False]
    assert same(limited[0].truncations, np.array([0, 0, 0, 1], bool))


def test_what_we_write_as_d4rl(tmp_path: Path) -> None:
    episodes = made_up((5, 1, 12))
    file = tmp_path / "mine.hdf5"
    data.write_d4rl(
        file, episodes, observation_space=BOX, action_space=ACTION, compression=3,
        metadata={"env": "Made-v0"},
    )  # fmt: skip
    with h5py.File(file) as h5:
        names = []
        h5.visititems(
            lambda name, item: names.append(name) if hasattr(item, "shape") else None
        )
        assert set(names) == {
            *("observations", "actions", "rewards", "terminals", "timeouts"),
            *("next_observations", "infos/x", "infos/deep/n", "metadata/palaestra"),
        }
        first, last = (
            np.concatenate([e["observations"][part] for e in episodes])
            for part in (slice(-1), slice(1, None))
        )
        assert same(h5["observations"][()], first)
        assert same(h5["next_observations"][()], last)
        assert same(
            h5["terminals"][()], np.concatenate([e["terminations"] for e in episodes])
        )
        assert h5["observations"].compression == "gzip"
        stored = json.loads(h5["metadata/palaestra"][()])
    assert stored["env"] == "Made-v0"
    read = data.open_data_set(file)
    assert read.observation_space == BOX
    assert read.metadata["total_steps"] == 18
    for mine, given in zip(read, episodes, strict=True):
        assert same(mine.observations, given["observations"])


def test_conversion_loses_nothing_that_both_can_hold(tmp_path: Path) -> None:
    episodes = made_up((5, 1, 12))
    data.write_minari(
        tmp_path / "a", episodes, observation_space=BOX, action_space=ACTION
    )
    a = data.open_data_set(tmp_path / "a")
    losses = a.convert(tmp_path / "b.hdf5", "d4rl", compression=1)
    assert len(losses) == 3
    assert any("seeds of 3" in loss for loss in losses)
    b = data.open_data_set(tmp_path / "b.hdf5")
    assert b.convert(tmp_path / "c", "minari") == []
    c = data.open_data_set(tmp_path / "c")
    for first, last in zip(a, c, strict=True):
        for name in (
            "observations",
            "actions",
            "rewards",
            "terminations",
            "truncations",
        ):
            assert same(getattr(first, name), getattr(last, name))
    assert c.observation_space == BOX
    a.convert(tmp_path / "part", "minari", episodes=slice(1, 3))
    part = minari.MinariDataset(tmp_path / "part" / "data")
    assert part.total_episodes == 2
    assert same(part[1].observations, episodes[2]["observations"])


def test_conversion_says_what_is_missing(tmp_path: Path) -> None:
    write_d4rl_oracle(tmp_path / "a.hdf5", made_up((5, 4, 6)), next_observations=False)
    a = data.open_data_set(tmp_path / "a.hdf5")
    losses = a.convert(tmp_path / "b", "minari")
    assert any("the last step of 1 episode" in loss for loss in losses)
    assert any("2 terminated episodes" in loss for loss in losses)
    b = data.open_data_set(tmp_path / "b")
    assert [len(e) for e in b] == [5, 3, 6]
    assert b[1].truncated
    assert same(b[1].observations, made_up((5, 4, 6))[1]["observations"][:-1])
    with pytest.raises(UserError, match="parts"):
        data.write_minari(
            tmp_path / "goal",
            made_up((2,), GOAL),
            observation_space=GOAL,
            action_space=ACTION,
        )
        data.open_data_set(tmp_path / "goal").convert(tmp_path / "goal.hdf5", "d4rl")
    assert not (tmp_path / "goal.hdf5").exists()


# ---- files


def test_nothing_is_overwritten_or_left_half_written(tmp_path: Path) -> None:
    keywords: dict[str, Any] = {"observation_space": BOX, "action_space": ACTION}
    for write, name in ((data.write_minari, "a"), (data.write_d4rl, "a.hdf5")):
        path = tmp_path / name
        write(path, made_up((5,)), **keywords)
        with pytest.raises(UserError, match="exists and is not replaced"):
            write(path, made_up((6,)), **keywords)
        assert len(data.open_data_set(path)[0]) == 5
        write(path, made_up((6,)), **keywords, replace=True)
        assert len(data.open_data_set(path)[0]) == 6
        assert len(data.open_data_set(f"{path}.1")[0]) == 5
        bad = made_up((5, 5))
        bad[1]["actions"] = bad[1]["actions"][:3]
        with pytest.raises(UserError, match=r"action has shape \(3, 2\)"):
            write(tmp_path / "b", bad, **keywords)
        with pytest.raises(UserError, match="without episodes"):
            write(tmp_path / "b", [], **keywords)
        with pytest.raises(UserError, match="compression is 1"):
            write(tmp_path / "b", made_up((5,)), **keywords, compression=1.5)
        with pytest.raises(UserError, match="its seed is 1"):
            write(tmp_path / "b", [made_up((5,))[0] | {"seed": 1.5}], **keywords)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"minari", "a", "a.1", "a.hdf5", "a.hdf5.1"}


def test_bad_arguments_are_named(tmp_path: Path) -> None:
    """The argument, its value, what is accepted."""
    write_d4rl_oracle(tmp_path / "a.hdf5", made_up((5,)))
    opened = data.open_data_set(tmp_path / "a.hdf5")
    buffer = opened.to_buffer()
    for call, text in [
        (lambda: data.open_data_set(tmp_path / "a.hdf5", time_limit=1.5), "limit is 1"),
        (lambda: opened[0.5], "episode is 0.5; accepted: an integer"),
        (lambda: opened[0].read(5), "column is 5; accepted: a text"),
        (lambda: opened[0].read("reward", 0.5), "start is 0.5; accepted: an integer"),
        (lambda: opened[0].read("reward", 0, 1.5), "stop is 1.5; accepted: an integer"),
        (lambda: opened.load_into(5), "buffer is 5; accepted: a ReplayBuffer"),
        (lambda: opened.load_into(buffer, fraction="a"), "fraction is 'a'; accepted"),
        (lambda: opened.load_into(buffer, lane=0.5), "lane is 0.5; accepted: an int"),
        (lambda: opened.load_into(buffer, episodes=5), "episodes is 5; accepted: a sl"),
        (lambda: opened.load_into(buffer, steps=slice(0.5)), "steps is 0.5; accepted"),
        (lambda: opened.to_buffer(seed=-1), "seed is -1"),
        (lambda: opened.convert(tmp_path / "b", 5), "format is 5; accepted: a text"),
        (
            lambda: opened.convert(tmp_path / "b", "minari", compression=1.5),
            "compression is 1.5; accepted: an integer",
        ),
    ]:
        with pytest.raises(UserError, match=text):
            call()
    assert opened[np.int64(0)].length == 5


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_bytes(b"episodes\n" * 100)
    (tmp_path / "folder").mkdir()
    with h5py.File(tmp_path / "other.h5", "w") as h5:
        h5["x"] = np.zeros(3)
    with h5py.File(tmp_path / "latest.h5", "w", libver="latest") as h5:
        for name in ("observations", "actions", "rewards", "terminals"):
            h5.create_dataset(name, data=np.zeros(30), chunks=(10,), maxshape=(None,))
    with h5py.File(tmp_path / "packed.h5", "w") as h5:
        for name in ("observations", "actions", "rewards", "terminals"):
            h5.create_dataset(name, data=np.zeros(30), compression="lzf")
    for name, message in {
        "none": "No such file",
        "empty": "0 bytes",
        "text": "no HDF5 file",
        "folder": "no Minari data set",
        "other.h5": 'no "observations"',
        "latest.h5": "h5repack",
        "packed.h5": "filter 32000",
    }.items():
        with pytest.raises(UserError, match=message):
            data.open_data_set(tmp_path / name)


def test_links_out_of_the_file_are_not_followed(tmp_path: Path) -> None:
    write_d4rl_oracle(tmp_path / "a.hdf5", made_up((5,)))
    with h5py.File(tmp_path / "b.hdf5", "w") as h5:
        for name in ("observations", "actions", "rewards", "terminals"):
            h5[name] = h5py.ExternalLink("a.hdf5", name)
    with pytest.raises(UserError, match='no "observations"'):
        data.open_data_set(tmp_path / "b.hdf5")


def test_images(tmp_path: Path) -> None:
    """Plain ones are read; JPEG, which loses, is not."""
    image = spaces.Box(0, 255, (32, 32, 3), np.uint8)
    SPACES["image"] = (image, ACTION)
    episodes = made_up((2,), image)
    _, folder = write_with_minari("plain-v0", episodes, "image", jpeg_encoding=False)
    assert same(data.open_data_set(folder)[0].observations, episodes[0]["observations"])
    _, folder = write_with_minari("jpeg-v0", made_up((2,), image), "image")
    with pytest.raises(UserError, match="jpeg_encoding=False"):
        data.open_data_set(folder)
    data.write_minari(
        tmp_path / "c", episodes, observation_space=image, action_space=ACTION
    )
    read = minari.MinariDataset(tmp_path / "c" / "data")
    assert same(read[0].observations, episodes[0]["observations"])


def test_a_text_among_the_infos_is_left_out_and_told(tmp_path: Path) -> None:
    episodes = made_up((3,))
    episodes[0]["infos"]["word"] = ["a", "b", "c", "d"]
    _, folder = write_with_minari("words-v0", episodes, "box")
    read = data.open_data_set(folder)
    assert read.ignored == ["info/word: text"]
    assert set(read[0].infos) == {"x", "deep"}


def test_it_is_part_of_the_package() -> None:
    assert palaestra.data is data
