"""Approval: what waits for a person before it runs, whoever named it."""

from __future__ import annotations

from scanwright.agent.plan.plan import Plan
from scanwright.tools.errors import NeedsInput
from scanwright.tools.registry import Registry


def needs_approval(plan: Plan, registry: Registry, over_s: float) -> None:
    """Raises NeedsInput where a step exports, deletes or reaches out, or the plan would take longer than over_s."""
    how = "approve it with --yes, or look at the plan with --review."
    reaching = [s.tool for s in plan.steps if registry.get(s.tool).card.reaches_out]
    if reaching:
        raise NeedsInput(
            f"The step {reaching[0]} exports, deletes or reaches out of this machine: {how}", ("approval",)
        )
    if plan.expected_seconds > over_s:
        raise NeedsInput(f"The plan is expected to take {plan.expected_seconds / 60:.0f} minutes: {how}", ("approval",))
