"""Lines of a table: medians, ratios within each round, and targets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from statistics import median

HEAD = "| face | work | xiezhen | peer | ratio | target | met? |\n|---|---|---|---|---|---|---|"


@dataclass
class Row:
    """Ours and theirs, round by round, in the same unit."""

    face: str
    work: str
    ours: Sequence[float]
    unit: str
    peer: str = ""
    theirs: Sequence[float] = ()
    # The ratio's.
    target: float | None = None
    # Of ours, whatever the peer does.
    limit: float | None = None

    @property
    def ratios(self) -> list[float]:
        """None where a difference of two measurements came out as nothing or less."""
        if not self.theirs or min(self.theirs) <= 0:
            return []
        return [us / them for us, them in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        return median(self.ratios or [inf])

    @property
    def met(self) -> bool | None:
        if self.limit is not None:
            return median(self.ours) <= self.limit
        return None if self.target is None else self.ratio <= self.target

    def __str__(self) -> str:
        peer = f"{self.peer}: {self.amount(self.theirs)}" if self.theirs else ""
        spread = "–".join(digits(edge(self.ratios)) for edge in (min, max)) if len(self.ratios) > 1 else ""
        ratio = digits(self.ratio) if self.ratios else ""
        ratio += f" ({spread})" if spread else ""
        bound = "" if self.target is None else f"≤ {self.target}"
        if self.limit is not None:
            bound = f"≤ {self.limit:g} {self.unit}"
            ratio = f"({min(self.ours):.1f}–{max(self.ours):.1f} {self.unit})" if len(self.ours) > 1 else ""
        met = {True: "yes", False: "**no**", None: ""}[self.met]
        return f"| {self.face} | {self.work} | {self.amount(self.ours)} | {peer} | {ratio} | {bound} | {met} |"

    def amount(self, values: Sequence[float]) -> str:
        middle = median(values)
        return f"{middle:.2f} {self.unit}" if abs(middle) < 10 else f"{middle:,.1f} {self.unit}"


def digits(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.095 else f"{ratio:.3f}"


@dataclass
class Section:
    """A part of RESULTS.md."""

    title: str
    about: str
    rows: Sequence[Row] = ()
    # Lines in place of rows.
    lines: Sequence[str] = ()

    def __str__(self) -> str:
        table = [HEAD, *map(str, self.rows)] if self.rows else []
        return "\n".join([f"## {self.title}", "", self.about, "", *table, *self.lines])


def missed(sections: Iterable[Section]) -> list[Row]:
    return [row for section in sections for row in section.rows if row.met is False]
