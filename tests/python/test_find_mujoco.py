"""Which MuJoCo a build takes: folders made of a header's version and empty libraries."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CMAKE = Path(__file__).parents[2] / "cmake"

PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(Stranger LANGUAGES NONE)
list(APPEND CMAKE_MODULE_PATH "{modules}")
find_package({package} REQUIRED)
get_target_property(library MuJoCo::MuJoCo IMPORTED_LOCATION)
message(STATUS "took ${{library}}")
"""


def release(
    root: Path, number: int, *libraries: str, header: str = "include/mujoco/mujoco.h"
) -> Path:
    """Write a header that says this version, and libraries without contents."""
    for name in (header, *libraries):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / header).write_text(f"#define mjVERSION_HEADER {number}\n")
    return root


def took(
    folder: Path,
    *options: str,
    package: str = "MuJoCo 3.17.0 EXACT",
    modules: Path = CMAKE,
    **variables: str,
) -> str:
    """Configure a stranger's project; return the library it took, or all of the error."""
    source = folder / "stranger"
    source.mkdir()
    text = PROJECT.format(modules=modules, package=package)
    (source / "CMakeLists.txt").write_text(text)
    environment = {k: v for k, v in os.environ.items() if k != "MUJOCO_DIR"}
    done = subprocess.run(
        ["cmake", "-S", source, "-B", folder / "build", *options],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return done.stdout.split("took ")[1].splitlines()[0]
    return re.sub(r"\s+", " ", done.stderr)  # CMake breaks lines where it likes


@pytest.mark.parametrize("where", ["", "lib/", "lib/x86_64-linux-gnu/"])
def test_the_library_of_the_header_is_taken(tmp_path: Path, where: str) -> None:
    """Not the first by name: others lie beside it."""
    versions = ("3.16.0", "3.17.0", "3.17.1", "4.0.0")
    names = [f"{where}libmujoco.so.{version}" for version in versions]
    root = release(tmp_path / "mujoco", 3017000, *names)
    assert took(tmp_path, f"-DMUJOCO_DIR={root}") == str(root / names[1])


def test_an_unversioned_link_is_followed(tmp_path: Path) -> None:
    """To the name that programs will ask for, which may lie elsewhere."""
    root = release(tmp_path / "mujoco", 3017000, "lib/libmujoco.so.3.16.0")
    (tmp_path / "libmujoco.so.3.17.0").touch()
    (root / "lib/libmujoco.so").symlink_to("../../libmujoco.so.3.17.0")
    assert took(tmp_path, MUJOCO_DIR=str(root)) == str(tmp_path / "libmujoco.so.3.17.0")


@pytest.mark.parametrize("link", [True, False])
def test_a_library_of_another_version_is_refused(tmp_path: Path, link: bool) -> None:
    """By both versions, also behind an unversioned link."""
    root = release(tmp_path / "mujoco", 3017000, "lib/libmujoco.so.3.16.0")
    if link:
        (root / "lib/libmujoco.so").symlink_to("libmujoco.so.3.16.0")
    said = took(tmp_path, f"-DMUJOCO_DIR={root}")
    assert f"the header in {root} is of 3.17.0, and no library beside it" in said
    assert f"there is {root}/lib/libmujoco.so" in said


def test_debians_release_is_refused_with_advice(tmp_path: Path) -> None:
    """Its library lies in a folder of lib/, its version is three digits."""
    library = "lib/x86_64-linux-gnu/libmujoco.so"
    root = release(tmp_path / "usr", 222, f"{library}.2.2.2")
    (root / library).symlink_to("libmujoco.so.2.2.2")
    said = took(tmp_path, f"-DMUJOCO_DIR={root}")
    assert f"MuJoCo 2.2.2 in {root}" in said
    assert "pip install -c constraints.txt mujoco" in said
    assert "point MUJOCO_DIR at a 3.17.0 release" in said


def test_other_releases_are_refused_with_both_versions(tmp_path: Path) -> None:
    root = release(tmp_path / "mujoco", 3016000, "lib/libmujoco.so.3.16.0")
    said = took(tmp_path, f"-DMUJOCO_DIR={root}")
    assert 'Found unsuitable version "3.16.0"' in said
    assert 'required is exact version "3.17.0"' in said


def test_a_named_folder_comes_before_the_wheel(tmp_path: Path) -> None:
    """The variable of CMake before that of the environment, either before the Python package."""
    name = "libmujoco.so.3.17.0"
    wheel = release(tmp_path / "site/mujoco", 3017000, name)
    (wheel / "__init__.py").touch()
    own = release(tmp_path / "own", 3017000, f"lib/{name}")
    other = release(tmp_path / "other", 3017000, f"lib/{name}")
    python = f"-DPython3_EXECUTABLE={sys.executable}"
    site = {"PYTHONPATH": str(wheel.parent)}
    for number, (options, variables, root) in enumerate(
        [
            ([], {}, wheel),
            ([], {"MUJOCO_DIR": str(own)}, own / "lib"),
            ([f"-DMUJOCO_DIR={other}"], {"MUJOCO_DIR": str(own)}, other / "lib"),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert took(folder, python, *options, **site, **variables) == str(root / name)
    said = took(tmp_path, f"-DMUJOCO_DIR={tmp_path}")
    assert f"MUJOCO_DIR is {tmp_path}, but" in said


@pytest.mark.parametrize(("number", "fits"), [(3017000, True), (4000000, False)])
def test_the_installed_package_asks_for_the_same(
    tmp_path: Path, number: int, fits: bool
) -> None:
    """``find_package(Palaestra)`` of a stranger, with nothing but MuJoCo looked for in earnest."""
    installed = tmp_path / "installed"
    installed.mkdir()
    shutil.copy(CMAKE / "FindMuJoCo.cmake", installed)
    config = (CMAKE / "PalaestraConfig.cmake.in").read_text()
    for other in re.findall(r"find_dependency\((\w+)", config):
        if other != "MuJoCo":
            (installed / f"Find{other}.cmake").write_text(f"set({other}_FOUND TRUE)\n")
    (installed / "PalaestraTargets.cmake").touch()
    (installed / "PalaestraConfig.cmake").write_text(
        config.replace("@PACKAGE_INIT@", "macro(check_required_components)\nendmacro()")
    )
    version = f"{number // 1000000}.{number // 1000 % 1000}.0"
    root = release(tmp_path / "mujoco", number, f"lib/libmujoco.so.{version}")
    said = took(
        tmp_path,
        f"-DMUJOCO_DIR={root}",
        f"-DPalaestra_DIR={installed}",
        package="Palaestra CONFIG",
        modules=installed,
    )
    if fits:
        assert said == str(root / f"lib/libmujoco.so.{version}")
    else:
        assert f'Found unsuitable version "{version}"' in said
