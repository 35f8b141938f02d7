"""Scalars that people give: a quantity with its UCUM unit, a point in the scan, several points."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Quantity(BaseModel):
    """A number with its UCUM unit: 300 [hnsf'U], 5 mm, 10 % ("1" is a plain number)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    unit: str = "1"

    @field_validator("value")
    @classmethod
    def _finite(cls, value: float) -> float:
        if not math.isfinite(value):
            raise ValueError("a quantity must be a finite number")
        return value

    def __str__(self) -> str:
        number = f"{self.value:g}"
        return number if self.unit == "1" else f"{number} {'HU' if self.unit == HU else self.unit}"


class Point(BaseModel):
    """A position in RAS+ millimetres that the person points at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x: float
    y: float
    z: float

    @field_validator("x", "y", "z")
    @classmethod
    def _finite(cls, value: float) -> float:
        if not math.isfinite(value):
            raise ValueError("a point must have finite coordinates")
        return value

    def __str__(self) -> str:
        return f"({self.x:g}, {self.y:g}, {self.z:g}) mm"


class Points(BaseModel):
    """Several positions in RAS+ millimetres that the person points at, one or more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: tuple[Point, ...] = Field(min_length=1)

    def __str__(self) -> str:
        return ", ".join(str(p) for p in self.points)


HU = "[hnsf'U]"
