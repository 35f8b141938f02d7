"""One rule for which tools an image rules out, in the list of tools, in refusals and in what a model is offered."""

from __future__ import annotations

from typing import Any

import pytest
from scanwright.agent.plan.compiler import Compiler
from scanwright.agent.plan.fitting import ruled_out, still_needed
from scanwright.evals.planning.studies import study
from scanwright.tools.artifacts import Image
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.goal import Goal
from scanwright.tools.registry import load_registry

REGISTRY = load_registry()


def _image(name: str) -> Image:
    return study(name, {"mask": False, "point": False}).image()


def _fits(name: str) -> set[str]:
    return {t.card.id for t in REGISTRY if ruled_out(t, _image(name)) is None}


@pytest.mark.parametrize(
    ("tool", "scan", "test"),
    [
        ("nuclei_count", "chest_ct", "kind"),
        ("mask_volume", "he_tile", "kind"),
        ("fundus_field", "he_tile", "kind"),
        ("tissue_region", "fundus", "kind"),
        ("brain_extraction", "chest_ct", "modality"),
        ("lungs", "head_ct", "body_part"),
    ],
)
def test_a_tool_for_another_image_is_ruled_out_with_the_test_that_failed(tool: str, scan: str, test: str) -> None:
    concern = ruled_out(REGISTRY.get(tool), _image(scan))
    assert concern is not None
    assert (concern.effect, concern.test) == ("refuse", test)


def test_what_must_only_be_said_first_rules_nothing_out() -> None:
    tool, image = REGISTRY.get("calcium_score"), _image("chest_ct")
    assert ruled_out(tool, image) is None
    needed = still_needed(tool, image)
    assert needed is not None
    assert needed.effect == "ask"
    assert still_needed(tool, _image("cardiac_ct")) is None


def test_missing_weights_rule_nothing_out() -> None:
    assert "organ_map" in _fits("chest_ct")
    assert "brain_extraction" in _fits("brain_t1")


def test_every_image_of_the_question_sets_leaves_tools_and_rules_some_out() -> None:
    for name in ("brain_t1", "head_ct", "chest_ct", "pet", "fundus", "he_tile"):
        assert 0 < len(_fits(name)) < len(REGISTRY), name


def test_a_refused_outline_lists_what_is_left_and_can_be_used() -> None:
    def usable(tool: Tool[..., Any]) -> str | None:
        return "Its weights are not there." if tool.card.weights else None

    view = study("fundus", {"mask": False, "point": False})
    (planned,) = Compiler(REGISTRY, usable).compile([Goal(want="mask", of="nodule")], [view]).goals
    assert planned.reason is not None
    listed = planned.reason.partition("what can be found is: ")[2]
    assert "retinal vessels" in listed
    assert not [word for word in ("nuclei", "lungs", "brain", "stained tissue") if word in listed]
