"""A CPU without AVX2 gets a message, not an illegal instruction."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from command_line import BIN
from palaestra._cpu import check, missing_feature

SANDY_BRIDGE = (
    "processor\t: 0\nflags\t\t: fpu sse sse2 ssse3 sse4_1 sse4_2 popcnt aes xsave avx\n"
)
HASWELL = SANDY_BRIDGE.strip() + " fma movbe f16c abm bmi1 avx2 bmi2\n"


def test_the_import_names_what_is_missing(tmp_path: Path) -> None:
    assert missing_feature(HASWELL) is None
    assert missing_feature(HASWELL.replace(" bmi2", "")) == "bmi2"
    assert missing_feature(SANDY_BRIDGE.replace(" avx", "")) == "avx"
    assert missing_feature("processor : 0\nFeatures : asimd\n") is None
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(SANDY_BRIDGE + HASWELL)
    with pytest.raises(ImportError, match="lacks AVX2"):
        check(cpuinfo)
    check(tmp_path / "nothing")
    check()


def test_the_program_checks_before_any_library_starts() -> None:
    """Constructors of shared libraries, MuJoCo's among them, run before those of the program."""
    dynamic = subprocess.run(
        ["readelf", "-d", BIN], capture_output=True, text=True, check=True
    )
    assert re.search(r"\(PREINIT_ARRAYSZ\)\s+[1-9]", dynamic.stdout)


@pytest.mark.skipif(shutil.which("qemu-x86_64") is None, reason="needs qemu-user")
@pytest.mark.parametrize("cpu", ["Nehalem", "SandyBridge"])
def test_the_program_on_an_old_cpu(cpu: str) -> None:
    done = subprocess.run(
        ["qemu-x86_64", "-cpu", cpu, BIN, "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "palaestra: this CPU lacks AVX" in done.stderr
    assert "x86-64-v3" in done.stderr
    assert done.stdout == ""
