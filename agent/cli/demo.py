"""scanwright demo"""

from __future__ import annotations

import time
from pathlib import Path

import click
from scanwright.agent.cli.options import exit_codes, home_option, print_json, workbench

# (scan, question); the last one is refused, and explains itself.
QUESTIONS: tuple[tuple[str, str], ...] = (
    ("brain_t1.nii.gz", "How large is the brain, and what is its longest diameter?"),
    ("brain_t1.nii.gz", "Is the left half of the brain larger than the right? What is the brain volume on each side?"),
    ("head_ct.nii.gz", "What share of the head is bone, and what is the mean HU of the skull?"),
    ("head_ct.nii.gz", "How many millilitres of the skull are above 700 HU?"),
    ("head_ct.nii.gz", "How large is the left half of the skull, and is there a fracture?"),
)


@click.command("demo")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Folder with the demo scans (default: demo/ of the source)."
)
@home_option
@exit_codes
def command(data: Path | None, home: Path | None, as_json: bool) -> int:
    """Answer questions about two real scans: a brain MR and a head CT."""
    from scanwright.agent.cli.ask import print_result
    from scanwright.agent.cli.progress import StepProgress
    from scanwright.tools.errors import UserInputError

    folder = data or Path(__file__).resolve().parents[2] / "demo"
    if not folder.is_dir():
        raise UserInputError(f"The demo scans are not in {folder}: name their folder with --data.")
    results = []
    with workbench(home) as bench:
        for scan, question in QUESTIONS:
            start = time.perf_counter()
            with StepProgress() as progress:
                result = bench.ask([folder / scan], question, on_step=progress)
            results.append(result)
            if not as_json:
                click.echo(f"\n{scan}: {question}   ({time.perf_counter() - start:.1f} s)")
                print_result(result, quiet=True)
    if as_json:
        print_json([r.model_dump(mode="json") for r in results])
        return 0
    pictures = [p for r in results for p in r.pictures()]
    click.echo(f"\n{results[0].notice} Planned by {results[0].plan.planner}.")
    click.echo(f"The pictures are in {', '.join(sorted({str(Path(p).parent) for p in pictures}))}.")
    click.echo("`scanwright show` tells where each number came from.")
    return 0 if all(r.status in ("answered", "partly", "refused") for r in results) else 1
