"""Eight questions of each domain on real input, from the words to the answer with its pictures.

`scanwright eval domains`; needs SCANWRIGHT_DATA. What is checked is that the right thing was measured and answered,
not how near the value is to the truth: that stands in the accuracy tables.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from scanwright.agent.answer.result import AnswerResult
from scanwright.agent.given import Given
from scanwright.agent.settings import load_settings
from scanwright.agent.workbench import Workbench
from scanwright.tools.contract.quantity import Point, Points
from scanwright.tools.imaging.loaded import GivenFacts

RESULTS = Path(__file__).parents[1] / "results" / "domains.json"
# Folders of the data that hold weights, and what they are called in a folder of weights.
WEIGHTS = {"meshnet_brainchop": None, "weights_retina_vessel_unet": "retina-vessel-unet"}


def main(argv: Sequence[str]) -> int:
    """Asks, prints each answer, and writes the results; 1 where a question was not answered as it should be."""
    parser = argparse.ArgumentParser(prog="scanwright eval domains")
    parser.add_argument("--domain", help="one domain alone")
    parser.add_argument("--pictures", type=Path, help="a folder for the pictures of all answers")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args(list(argv))
    if "SCANWRIGHT_DATA" not in os.environ:
        print("Set SCANWRIGHT_DATA to the folder with the real scans.", file=sys.stderr)
        return 2
    data = Path(os.environ["SCANWRIGHT_DATA"])
    rows = []
    with tempfile.TemporaryDirectory(prefix="scanwright-domains-") as folder:
        settings = load_settings()
        tools = settings.tools.model_copy(update={"weights_dir": weights_folder(data, Path(folder) / "weights")})
        with Workbench(Path(folder) / "home", settings=settings.model_copy(update={"tools": tools})) as bench:
            for row in questions(options.domain):
                rows.append(ask(bench, data, row, options.pictures))
                print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
    right = sum(r["right"] for r in rows)
    print(f"{right} of {len(rows)} answered as they should be")
    if options.domain is None:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip()
        result = {"commit": commit, "utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "rows": rows}
        options.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if right == len(rows) else 1


def questions(domain: str | None = None) -> Iterator[dict[str, Any]]:
    """The questions: domain, scan, what is said beside it, question, and the goals and status that are expected."""
    for row in json.loads(files("scanwright.evals.domains").joinpath("questions.json").read_text("utf-8")):
        if domain in (None, row["domain"]):
            yield row


def ask(bench: Workbench, data: Path, row: dict[str, Any], pictures: Path | None) -> dict[str, Any]:
    """Asks one question and says what came of it."""
    scans = [_scan(data, name) for name in row["scans"]]
    start = time.perf_counter()
    result = bench.ask(scans, row["question"], _given(data, row.get("given", {})), approved=True)
    seconds = time.perf_counter() - start
    shown = [Path(e.artifact) for e in result.evidence if e.artifact is not None]
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        for picture in shown:
            shutil.copyfile(picture, pictures / f"{row['id']}_{picture.name}")
    return {
        "id": row["id"], "domain": row["domain"], "scans": row["scans"], "question": row["question"],
        "right": _right(result, row["expect"]), "status": result.status,
        "answer": result.answer.replace(f"{bench.home_path}/", ""),
        "goals": [g.goal for g in result.goals], "tools": [s.tool for s in result.plan.steps],
        "pictures": len(shown), "seconds": round(seconds, 1),
    }  # fmt: skip


def weights_folder(data: Path, folder: Path) -> Path:
    """A folder with links to all weights that the data brings."""
    folder.mkdir(parents=True)
    for name, called in WEIGHTS.items():
        if called is not None:
            (folder / called).symlink_to(data / name)
            continue
        for each in (data / name).iterdir():
            if each.is_dir():
                (folder / each.name).symlink_to(each)
    return folder


def _right(result: AnswerResult, expect: dict[str, Any]) -> bool:
    got = [{k: g.goal.get(k) for k in want} for g, want in zip(result.goals, expect["goals"], strict=False)]
    return result.status == expect["status"] and len(result.goals) == len(expect["goals"]) and got == expect["goals"]


def _scan(data: Path, name: str) -> Path:
    if name.startswith("skimage:"):
        import skimage

        return Path(skimage.__file__).parent / "data" / name.partition(":")[2]
    return data / name


def _given(data: Path, given: dict[str, Any]) -> Given:
    facts = GivenFacts(**given.get("facts", {}))
    at = Point(**given["at"]) if "at" in given else None
    mask = None if "mask" not in given else str(data / given["mask"])
    points = {name: Points(points=(Point(x=x, y=y, z=z),)) for name, (x, y, z) in given.get("points", {}).items()}
    return Given(facts, mask, at, points=points)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
