"""Timing two sides in one run, and saying how they compare."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the table. `target` is the most (or, `at_least`, the least) the ratio may be; None only informs."""

    case: str
    measured: str
    beside: str
    ratio: float | None = None
    target: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None when there is none."""
        if self.ratio is None or self.target is None:
            return None
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target


def medians(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median time of each side in milliseconds. The sides take turns, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, run in sides.items():
            started = time.perf_counter()
            run()
            if number:
                times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def compared(
    case: str, here: float, there: float, *, beside: str, target: float | None, at_least: bool = False
) -> Finding:
    """A finding from two times in milliseconds: how many times `there` is `here`, or the reverse for `at_least`."""
    ratio = there / here if at_least else here / there
    return Finding(case, f"{here:.1f} ms", f"{beside}: {there:.1f} ms", ratio, target, at_least)


def table(findings: list[Finding]) -> str:
    """The findings as a table for a terminal."""
    rows = [("case", "measured", "beside", "ratio", "target", "")]
    for finding in findings:
        sign = "≥" if finding.at_least else "≤"
        rows.append(
            (
                finding.case,
                finding.measured,
                finding.beside,
                "" if finding.ratio is None else f"{finding.ratio:.2f}",
                "" if finding.target is None else f"{sign} {finding.target:g}",
                {True: "met", False: "MISSED", None: ""}[finding.met],
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
