"""CohortQuestion: what a person wants to know of a cohort, as data that people, rules and models fill alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, field_validator, model_validator
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import Quantity
from scanwright.tools.hashing import canonical_json

Fact = Literal["age", "sex", "scanner", "day", "modality", "body_part"]
FACTS: tuple[Fact, ...] = ("age", "sex", "scanner", "day", "modality", "body_part")
# Facts with a number: a band's midpoint in years, the day of an exam counted from the patient's first.
NUMBERS = ("age", "day")
FACT_UNITS = {"age": "a", "day": "d"}
Op = Literal[">", ">=", "<", "<=", "==", "!=", "found", "not_found"]
How = Literal["mean", "median", "sd", "min", "max", "sum", "count", "iqr"]
Shown = Literal["table", "list", "count"]
_GOAL = re.compile(r"g[1-9]\d?")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(_Frozen):
    """A row stays where this holds. value is None for "found" and "not_found", and is needed else.

    A measured column takes a quantity with the unit that the person said ("1" where none was said). age is compared in
    years ("a"), day in days ("d"); sex with "F", "M" or "O"; scanner, modality (DICOM's: "CT", "MR") and body_part
    (in lower case: "chest") with text, in upper or lower case.
    """

    column: str
    op: Op
    value: Quantity | str | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.value is None) != (self.op in ("found", "not_found")):
            raise ValueError(f"a condition with {self.op!r} takes {'no' if self.value is not None else 'a'} value")
        if self.value is not None and self.op not in ("==", "!=") and isinstance(self.value, str):
            raise ValueError(f"{self.op!r} compares numbers: give a quantity")
        is_number = self.column not in FACTS or self.column in NUMBERS
        if self.value is not None and is_number != isinstance(self.value, Quantity):
            raise ValueError(f"{self.column} is compared with {'a quantity' if is_number else 'text'}")
        return self


class Sort(_Frozen):
    """The order of the rows. "sorted by volume" is ascending, "the largest" and "largest first" descending."""

    by: str
    descending: bool = False


class Summary(_Frozen):
    """One statistic of a column over the rows that stay, for all of them or for each value of a fact."""

    of: str
    how: How
    by: Fact | None = None


class Plot(_Frozen):
    """A figure. histogram takes x; box and bar take the measured column as x and the groups as by.

    scatter takes x and y ("y against x"), and by colours its points.
    """

    kind: Literal["scatter", "histogram", "box", "bar"]
    x: str
    y: str | None = None
    by: Fact | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.y is not None) != (self.kind == "scatter"):
            raise ValueError("a scatter plot has an x and a y; every other plot has an x only")
        return self


class CohortQuestion(_Frozen):
    """Goals measured on each study (columns "g1", "g2", … in their order), and what is made of the rows.

    Columns are those, or a fact of the study: age, sex, scanner, day, modality, body_part. A goal is written once
    however often its column is used. The unit of a threshold stands in the condition, not in the goal. where holds
    all conditions together ("and"), in the order of the question. show: "count" for how many, "list" for which
    (also the largest five), "table" for all else, statistics and figures too.
    """

    goals: tuple[Goal, ...] = ()
    where: tuple[Condition, ...] = ()
    sort: Sort | None = None
    limit: int | None = None
    summaries: tuple[Summary, ...] = ()
    plot: Plot | None = None
    show: Shown = "table"

    @field_validator("limit")
    @classmethod
    def _some(cls, value: int | None) -> int | None:
        if value is not None and not 1 <= value <= 10_000:
            raise ValueError("limit is a whole number from 1")
        return value

    @model_validator(mode="after")
    def _columns_are_known(self) -> Self:
        known = {*FACTS, *(f"g{i}" for i in range(1, len(self.goals) + 1))}
        for column in self.columns():
            if column not in known:
                what = "has no goal" if _GOAL.fullmatch(column) else f"is none of {', '.join(FACTS)}"
                raise ValueError(f"the column {column!r} {what}")
        return self

    def columns(self) -> Iterator[str]:
        """Every column that is named, as often as it is."""
        yield from (c.column for c in self.where)
        yield from (() if self.sort is None else (self.sort.by,))
        yield from (s.of for s in self.summaries)
        if self.plot is not None:
            yield self.plot.x
            yield from (() if self.plot.y is None else (self.plot.y,))

    def canonical(self) -> str:
        """Canonical JSON without what is at its default: equal for equal questions."""
        return canonical_json(self.as_json())

    def as_json(self) -> dict[str, object]:
        """JSON without what is at its default."""
        return self.model_dump(mode="json", exclude_defaults=True)
