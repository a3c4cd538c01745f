"""What was measured, what was promised, and the table that says so."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Budget:
    """A promise about one figure: `at_most` (or at least) `limit`, in the figure's unit."""

    limit: float
    at_most: bool = True

    def met_by(self, value: float) -> bool:
        return value <= self.limit if self.at_most else value >= self.limit

    def margin(self, value: float) -> float:
        """How much room is left, as a part of the limit: 0.25 is a quarter, below zero it is broken."""
        room = self.limit - value if self.at_most else value - self.limit
        return room / self.limit if self.limit else room


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table. `value` None: not measured here, and `note` says why."""

    section: str
    name: str
    value: float | None
    unit: str = ""
    budget: Budget | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """None without a budget, or without a value to hold against it."""
        if self.budget is None or self.value is None:
            return None
        return self.budget.met_by(self.value)


@dataclass(frozen=True, slots=True)
class Report:
    """All figures, in the order they were measured. `quick` runs are too short to judge by."""

    figures: list[Figure]
    quick: bool
    machine: str = ""

    @property
    def broken(self) -> list[Figure]:
        return [figure for figure in self.figures if figure.is_met is False]

    def write(self, path: Path) -> None:
        rows = [{**asdict(figure), "met": figure.is_met} for figure in self.figures]
        path.write_text(
            json.dumps({"quick": self.quick, "machine": self.machine, "figures": rows}, indent=1) + "\n",
            encoding="utf-8",
        )

    def table(self) -> str:
        """The rows under their sections, columns aligned."""
        rows = [(figure.name, _value(figure), _budget(figure), _verdict(figure)) for figure in self.figures]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = [self.machine]
        section = ""
        for figure, row in zip(self.figures, rows, strict=True):
            if figure.section != section:
                section = figure.section
                lines += ["", section]
            name, value, budget, verdict = row
            cells = (
                name.ljust(widths[0]),
                value.rjust(widths[1]),
                budget.ljust(widths[2]),
                verdict.ljust(widths[3]),
            )
            lines.append(("  " + "  ".join([*cells, figure.note])).rstrip())
        return "\n".join(lines)


def _value(figure: Figure) -> str:
    return "-" if figure.value is None else f"{_number(figure.value)}{figure.unit}"


def _number(value: float) -> str:
    """Three digits that matter: '0.334', '12.5', '16,034'."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.3g}"


def _budget(figure: Figure) -> str:
    if figure.budget is None:
        return ""
    words = "at most" if figure.budget.at_most else "at least"
    return f"{words} {_number(figure.budget.limit)}{figure.unit}"


def _verdict(figure: Figure) -> str:
    if figure.is_met is None or figure.budget is None or figure.value is None:
        return ""
    margin = figure.budget.margin(figure.value)
    return f"met, {margin:.0%} to spare" if figure.is_met else f"NOT MET, by {-margin:.0%}"
