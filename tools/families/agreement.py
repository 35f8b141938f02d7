"""Several methods for one thing: the range that their values span, and how far two outlines overlap."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from scanwright.tools import measuring
from scanwright.tools.artifacts import Mask, Measurement, Measurements
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolInputError
from scanwright.tools.measuring import measured, space_of

BETWEEN = "; "
NO_BOUND = "the range is how far the methods disagree, and no bound of the error: they may err alike"
FAR_APART = 0.1


@tool(
    examples=(
        "How large is the brain, and how sure are you?",
        "Brain volume by two methods, please.",
        "Measure the hippocampi with every method you have.",
        "How certain is the volume of the thalamus?",
        "What is the volume of the caudate, with uncertainty?",
        "Compare the methods for the brain volume.",
        "Do the methods agree on the volume of the brain stem?",
    ),
    near_misses=(
        "How well do the two outlines of the brain overlap? (overlap_dice)",
        "Compare the volume with the earlier scan. (volume_change)",
        "Is the brain volume normal? (not assessed: no norm is bundled)",
    ),
    needs=Needs(memory_gb=0.05, seconds=0.01),
    reference="Spread of methods as a range (worst case), no interval: JCGM 100:2008 (GUM) 4.3.7 gives bounds alone.",
    error=(
        MeasuredError(text="exact arithmetic", relative_error=0.0),
        MeasuredError(
            text="two MeshNets on two scans against atlases, whose outlines follow other rules: the range held the "
            "reference's volume for 4 of 11 structures, so it is no interval",
            modality="MR", n=11,
        ),
    ),
    uses=(measuring,),
)  # fmt: skip
def agreement(
    ctx: ToolContext,
    values: Annotated[tuple[Measurement, ...], Of("?s", side="?d")],
    quantity: str,
    methods: str,
) -> Annotated[Measurement, Of("?s", side="?d", quantity="value_by_methods")]:
    """One value for what several methods measured, with the range from the lowest to the highest of theirs.

    The value is that of the first method. methods names them in the order of values, with a semicolon between. What a
    method did not find plays no part in the range and is flagged; so are values more than 10 % of the largest apart.
    The range is the methods' disagreement, so that what all of them do wrong in the same way is not in it. Raises
    ToolInputError for fewer than two values, the same method twice, or values that cannot stand beside each other.
    """
    names = methods.split(BETWEEN)
    if len(values) < 2 or len(names) != len(values) or len(set(names)) != len(names):
        raise ToolInputError(
            f"{len(values)} values are given for the methods {methods!r}: give two or more values, each of another "
            "method, and their names in the same order."
        )
    found = [_one(value, quantity) for value in values]
    _comparable(found)
    first = found[0]
    numbers = {n: float(m.value) for n, m in zip(names, found, strict=True) if isinstance(m.value, int | float)}
    flags = list(dict.fromkeys(f for m in found if m.value is not None or m is first for f in m.flags))
    flags += [f"not found by {n}" for n, m in zip(names, found, strict=True) if m.value is None and m is not first]
    if first.value is None and numbers:
        others = " and ".join(f"{v:.4g} {first.unit} by {n}" for n, v in numbers.items())
        flags.append(f"not found by {names[0]}, and {others}: the methods disagree on whether it is there")
    uncertainty = None
    if first.value is not None and len(numbers) > 1:
        low, high = min(numbers.values()), max(numbers.values())
        flags.append(NO_BOUND)
        uncertainty = Uncertainty(kind="range", low=low, high=high, method=f"by {_and([*numbers])}", n=len(numbers))
        if high - low > FAR_APART * max(abs(low), abs(high)):
            flags.append(f"the methods lie {100 * (high - low) / max(abs(low), abs(high)):.0f} % apart")
    return first.model_copy(
        update={
            "type": first.type.model_copy(update={"quantity": ("value_by_methods",)}),
            "uncertainty": uncertainty,
            "method": f"by {_and(names)}; the value is that of {names[0]}. {first.method}".strip(),
            "flags": tuple(dict.fromkeys(flags)),
        }
    )


@tool(
    examples=(
        "How well do the two outlines of the brain overlap?",
        "Dice of the two methods for the brain",
        "How well do the methods agree on the hippocampus?",
        "Dice overlap of the two outlines of the thalamus, please.",
        "Do the two models outline the same caudate?",
        "How closely do the two methods agree on the brain?",
    ),
    near_misses=(
        "Do the methods agree on the volume of the brain? (agreement)",
        "Is the left half like the right? (asymmetry_index)",
        "Compare the outline with the earlier scan. (not assessed: two exams lie on different grids)",
    ),
    needs=Needs(memory_gb=0.4, seconds=0.3),
    reference="2·|A∩B|/(|A|+|B|): Dice, Ecology 1945;26:297–302.",
    error=(MeasuredError(text="exact arithmetic on voxels; shifted boxes give the counted value", relative_error=0.0),),
    uses=(measuring,),
)
def overlap_dice(
    ctx: ToolContext,
    first: Annotated[Mask, Of("?s", side="?d")],
    second: Annotated[Mask, Of("?s", side="?d")],
) -> Annotated[Measurement, Of("?s", side="?d", quantity="dice")]:
    """How far two outlines of one structure overlap, by two methods on one image: Dice from 0 to 1.

    1 is the same voxels, 0 none in common. It says how alike the methods are, not how right. Where one outline is
    empty it is "not found". Raises ToolInputError where the two lie on different grids.
    """
    if not first.geometry.same_grid(second.geometry):
        raise ToolInputError("The two outlines lie on different grids: give masks of the same image.")
    method = "2·|A∩B|/(|A|+|B|), voxels counted"
    if not first.voxels or not second.voxels:
        empty = first if not first.voxels else second
        return measured("dice", None, "1", empty, method=method, size=False)
    both = int(np.count_nonzero(ctx.voxels(first) & ctx.voxels(second)))
    flags = [f for f in second.flags if f not in first.flags]
    return measured(
        "dice", 2 * both / (first.voxels + second.voxels), "1", first, method=method, flags=flags, size=False
    )


def _one(value: Measurement | Measurements, quantity: str) -> Measurement:
    """The measurement of that quantity, of a tool that may make several together."""
    if isinstance(value, Measurement):
        items = [value] if value.quantity == quantity else []
    else:
        items = [i for i in value.items if i.quantity == quantity]
        items = [i.model_copy(update={"type": value.type}) for i in items]
    if len(items) != 1:
        raise ToolInputError(
            f"{value.name!r} holds {len(items)} values of {quantity.replace('_', ' ')}: one by each method is compared."
        )
    return items[0]


def _comparable(found: list[Measurement]) -> None:
    first = found[0]
    for other in found[1:]:
        if other.unit != first.unit:
            raise ToolInputError(f"The methods measure in {first.unit} and in {other.unit}: measure in one unit.")
        if space_of(other) != space_of(first):
            raise ToolInputError("The methods measured in different spaces: measure both in one space.")
    if any(isinstance(m.value, str | tuple) for m in found):
        raise ToolInputError(f"The {first.name} is not one number, so no range can be given by comparing methods.")


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
