"""scanwright eval planning|sense|bench|orientation|…"""

from __future__ import annotations

import importlib

import click

PARTS = {
    "planning": (
        "scanwright.evals.planning.run",
        "Exact-goal accuracy and false answers of a planner on the question set.",
    ),
    "learning": ("scanwright.evals.learning.run", "A small planning model before and after tuning."),
    "cohort_questions": ("scanwright.evals.planning.cohorts", "Cohort questions: is each read exactly?"),
    "sense": ("scanwright.evals.sense.run", "Plans that are valid and clinically wrong: are they caught?"),
    "agreement": ("scanwright.evals.accuracy.agreement", "Does the range between methods hold a reference?"),
    "bench": ("scanwright.evals.bench.run", "Speed and memory, as ratios in one run."),
    "body_ct": ("scanwright.evals.accuracy.body_ct", "Body CT tools against surfaces and stored segmentations."),
    "body_measures": (
        "scanwright.evals.accuracy.body_measures",
        "Liver against spleen, RECIST, calcium, SUV, cardiothoracic ratio: phantoms and real scans.",
    ),
    "brain": ("scanwright.evals.accuracy.brain", "Brain tools against atlases and each other."),
    "brain_measures": ("scanwright.evals.accuracy.brain_measures", "Head measures on phantoms and real scans."),
    "conversations": (
        "scanwright.evals.planning.conversations",
        "Follow-up questions, turn by turn: reading, exact goals, outcomes.",
    ),
    "clicks": ("scanwright.evals.accuracy.clicks", "Dice per click on phantoms and on real structures."),
    "planning-scale": ("scanwright.evals.planning.scale", "Prompts and accuracy with up to 1,000 tools."),
    "retina": ("scanwright.evals.accuracy.retina", "Retinal vessels on drawn fundi, and two methods on a photograph."),
    "retrieval": ("scanwright.evals.accuracy.retrieval", "Nearest crops of CTs: same region, same patient?"),
    "radiomics": ("scanwright.evals.accuracy.radiomics", "Radiomic features against stored reference values."),
    "domains": ("scanwright.evals.domains.run", "Eight questions of each domain on real scans, from end to end."),
    "histology": ("scanwright.evals.accuracy.histology", "Nuclei against hand-drawn ones and other tools' counts."),
    "orientation": ("scanwright.evals.orientation", "A volume under all 48 axis orders and flips of one file."),
}


@click.command("eval", context_settings={"ignore_unknown_options": True})
@click.argument("part", type=click.Choice(sorted(PARTS)))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def evaluate(part: str, arguments: tuple[str, ...]) -> int:
    """Run a benchmark by its name."""
    code: int = importlib.import_module(PARTS[part][0]).main(list(arguments))
    return code
