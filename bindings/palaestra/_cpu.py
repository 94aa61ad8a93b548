"""Refuses a CPU that the native module would die on with an illegal instruction."""

from __future__ import annotations

from pathlib import Path

#: What x86-64-v3 adds to AVX, as Linux spells it.
NEEDED = ("avx", "avx2", "fma", "f16c", "movbe", "bmi1", "bmi2", "abm")


def missing_feature(cpuinfo: str) -> str | None:
    """Return the first needed feature that is not among the flags of the first CPU listed.

    Parameters
    ----------
    cpuinfo
        Text of ``/proc/cpuinfo``. Without a line of flags nothing is known, and nothing missing.
    """
    for line in cpuinfo.splitlines():
        name, _, values = line.partition(":")
        if name.strip() == "flags":
            flags = set(values.split())
            return next((feature for feature in NEEDED if feature not in flags), None)
    return None


def check(cpuinfo: Path = Path("/proc/cpuinfo")) -> None:
    """Raise ImportError, naming what is missing, on a CPU without x86-64-v3."""
    try:
        with cpuinfo.open(encoding="ascii", errors="replace") as file:
            missing = missing_feature(file.read(8192))  # the first CPU's lines
    except OSError:
        return
    if missing is not None:
        raise ImportError(
            f"palaestra: this CPU lacks {missing.upper()}; the native module needs x86-64-v3 "
            "(AVX2, FMA, BMI2: Intel Haswell, AMD Zen or later)"
        )


check()
