"""A side or a limit that a model leaves out goes back to it, and then to the person."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from scanwright.agent.llm.clients import client_for
from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.planner.base import Declined, Item, Unclear
from scanwright.agent.planner.exemplar import ExemplarPlanner
from scanwright.agent.planner.model.omissions import asked_about, omissions
from scanwright.agent.planner.model.planner import ModelPlanner
from scanwright.agent.workbench import Workbench
from scanwright.evals.planning.studies import study
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import Quantity

sys.path.insert(0, str(Path(__file__).parents[1] / "llm"))
from scripted_llm_server import llm_server, says

KIDNEY = Goal(want="volume", of="kidney")
ABOVE = {"low": Quantity(value=300, unit="[hnsf'U]")}
DENSE = Goal(want="volume", of="intensity_range", region="kidney", params=ABOVE)


def said(question: str, *items: Item) -> list[str]:
    return [each.said for each in omissions(question, items)]


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("How large is the left kidney?", "left"),
        ("Wie groß ist die linke Niere?", "linke"),
        ("Quel est le volume du rein gauche ?", "gauche"),
        ("¿Cuál es el volumen del riñón izquierdo?", "izquierdo"),
        ("左肾的体积是多少？", "左"),
        ("Volumen der rechten Niere", "rechten"),
        ("volume du rein droit", "droit"),
        ("volumen del riñón derecho", "derecho"),
        ("右肾体积", "右"),
    ],
)
def test_a_side_that_no_goal_carries_is_found_in_five_languages(question: str, word: str) -> None:
    assert said(question, KIDNEY) == [word]
    for side in ("left", "right"):
        carried = KIDNEY.model_copy(update={"side": side})
        assert bool(said(question, carried)) is not (
            side == ("left" if word in "left linke gauche izquierdo 左" else "right")
        )
    assert said(question, KIDNEY.model_copy(update={"side": "each"})) == []


@pytest.mark.parametrize(
    "question",
    [
        "Kidney volume above 300 HU?",
        "Nierenvolumen über 300 HE?",
        "volume du rein au-dessus de 300 UH",
        "volumen del riñón por encima de 300 UH",
        "肾脏高于300的体积",
        "kidney voxels of 300 HU and more",
        "kidney > 300",
    ],
)
def test_a_limit_that_no_goal_carries_is_found_in_five_languages(question: str) -> None:
    assert len(said(question, KIDNEY)) == 1
    assert said(question, DENSE) == []


@pytest.mark.parametrize(
    ("question", "items"),
    [
        ("How large is the kidney right now, in this 3 mm scan?", (KIDNEY,)),
        ("Which side of the head is larger, left or right?", (Goal(want="asymmetry_index", of="head"),)),
        ("Share of the lung below -950 HU?", (Goal(want="emphysema_index", of="lung"),)),
        ("Kidney volume; any stones on the left?", (KIDNEY, Declined("", "not_assessed", ""))),
        ("Volume of the lesion in the left lung", (Goal(want="volume", of="given_region"),)),
        ("T1 brain, matrix 256, which sequence?", (Goal(want="dimensions"),)),
        ("How much of the 2 kidneys is left over?", (KIDNEY,)),
    ],
)
def test_what_is_no_side_and_no_limit_is_not_held_against_a_goal(question: str, items: tuple[Item, ...]) -> None:
    assert said(question, *items) == []


def test_the_person_is_told_what_was_left_out() -> None:
    asked = asked_about("How large is the left kidney?", omissions("How large is the left kidney?", (KIDNEY,)))
    assert 'says "left"' in asked.sentence


def _form(side: str) -> str:
    item = {"kind": "goal", "want": "volume", "of": "kidney", "side": side, "more": []}
    return json.dumps({"items": [item]})


@pytest.mark.parametrize(("second", "asks"), [("left", False), ("whole", True)])
def test_the_model_is_told_once_and_the_person_is_asked_where_it_insists(
    planning_bench: Workbench, planner: ExemplarPlanner, second: str, asks: bool
) -> None:
    view = study("abdomen_ct", {"mask": False, "point": False})
    with llm_server(says(_form("whole")), says(_form(second))) as (url, heard), planning_bench.open_home() as home:
        client = client_for(Endpoint(base_url=url, model="m", retries=0), home, [view])
        model = ModelPlanner(client, planning_bench.registry, planner.index, planner, lambda *_: [])
        (item,) = model.propose("Wie groß ist die linke Niere?", [view]).items
    assert len(heard) == 2
    assert "linke" in heard[1]["messages"][-1]["content"]
    assert isinstance(item, Unclear) if asks else item == KIDNEY.model_copy(update={"side": "left"})
