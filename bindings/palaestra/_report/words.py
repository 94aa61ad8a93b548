"""Numbers and texts as the page writes them."""

from __future__ import annotations

import html


def text(value: object) -> str:
    """Escape for HTML."""
    return html.escape(str(value))


def number(value: float | None) -> str:
    """Write as many digits as tell something."""
    if value is None:
        return "-"
    size = abs(value)
    if size >= 1e6:
        return f"{value:,.4g}" if size < 1e15 else f"{value:.3e}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if size >= 1 or value == 0 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """12 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def interval(pair: list[float] | None) -> str:
    """`low to high`, or nothing where the two are one."""
    if pair is None or pair[0] == pair[1]:
        return ""
    return f"{number(pair[0])} to {number(pair[1])}"


def share(part: float, whole: float) -> str:
    """A share in per cent, with as many digits as tell something."""
    if whole <= 0:
        return "-"
    percent = 100 * part / whole
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"


def ranges(numbers: list[int]) -> str:
    """Whole numbers in ascending order: `0 to 4, 7`."""
    groups: list[list[int]] = []
    for value in numbers:
        if groups and value == groups[-1][-1] + 1:
            groups[-1].append(value)
        else:
            groups.append([value])
    return ", ".join(
        f"{group[0]} to {group[-1]}" if len(group) > 2 else ", ".join(map(str, group))
        for group in groups
    )
