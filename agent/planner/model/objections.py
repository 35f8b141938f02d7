"""What goes back to the model when the compiler refuses its goals: fixed sentences, no text of a file among them."""

from __future__ import annotations

from scanwright.agent.plan.plan import Plan

# Refusals that mean that the form was filled wrongly; all others (a liver asked of a head) are the question's own.
_SENTENCES = {
    "no_tool": "nothing gives {want} of {of}: choose another want or structure, or decline with no_tool",
    "unused": "{want} takes no such limits, side or region: leave out what was not asked",
    "unit": "{want} cannot be said in that unit: leave the unit out or take another",
    "itself": "{of} is set against itself: name another structure",
    "share_turned_round": "{of} and inside are the wrong way round: swap them",
    "missing_parameter": "{want} of {of} needs above or below: give the limit that was asked",
    "param_ordered": "above is larger than below: swap them",
    "side": "{want} has no side of its own: take side whole",
    "kind": "{want} is not of this kind of image: choose a want for this image, or decline with no_tool",
}


def objections(plan: Plan) -> list[str]:
    """One sentence for each goal of a compiled plan that was filled in wrongly."""
    said = []
    for number, planned in enumerate(plan.goals, start=1):
        sentence = None if planned.status == "planned" else _SENTENCES.get(planned.test or "")
        if sentence is not None:
            said.append(f"item {number}: {sentence.format(want=planned.goal.want, of=planned.goal.of)}.")
    return said
