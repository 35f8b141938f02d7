"""scanwright learn data|train|merge|prompt|reinforce"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
from scanwright.agent.cli.options import exit_codes, home_option, print_json, workbench

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group("learn")
def command() -> None:
    """Make training data with the compiler, tune a small model that plans, or find a better prompt for one."""


@command.command("data")
@click.option(
    "--out", type=_FILE, required=True, help="Where the rows go (JSON lines); a manifest is written beside it."
)
@click.option(
    "--count", default=12_000, show_default=True, type=click.IntRange(1, 1_000_000), help="Rows from templates."
)
@click.option("--seed", default=20261, show_default=True, type=int)
@click.option(
    "--not-in",
    "taken",
    type=_FILE,
    multiple=True,
    help="Hashes of questions that must not be in it, one a line (scanwright eval learning --fingerprints FILE).",
)
@click.option("--cards", is_flag=True, help="Also the tools' example questions, as the offline planner reads them.")
@click.option("--runs", is_flag=True, help="Also this home's accepted questions; its settings must agree to it.")
@home_option
@exit_codes
def data(out: Path, count: int, seed: int, taken: tuple[Path, ...], cards: bool, runs: bool, home: Path | None, as_json: bool) -> int:  # fmt: skip
    """Write questions with the goals they ask, each checked with the compiler."""
    from scanwright.agent.learning.accepted import accepted_rows
    from scanwright.agent.learning.data import Maker, card_questions, exemplars, write

    known = {line for file in taken for line in file.read_text("utf-8").split()}
    with workbench(home) as bench:
        # What a card's example asks is read by the rules, whatever planner the settings name.
        bench.settings.llm.planner = "offline"
        maker = Maker(bench.registry, seed, known, exemplars())
        rows = []
        if runs:
            with bench.open_home() as opened:
                rows += accepted_rows(opened, maker, use_runs=bench.settings.learning.use_runs)
        if cards:
            with bench.open_home() as opened:
                offline = bench.planner(opened)
                asked = card_questions(bench.registry, lambda text: offline.propose(text, ()))
                rows += [row for each in asked if (row := maker.row(each, source="card")) is not None]
        rows += maker.rows(count)
        manifest = write(rows, out, seed=seed, registry=bench.registry, dropped=maker.dropped)
    if as_json:
        print_json(manifest)
    else:
        split = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in manifest["split"].items())
        click.echo(f"{manifest['rows']} questions ({split}): {out}")
    return 0


@command.command("train")
@click.option("--data", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option(
    "--base",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="A folder that transformers loads.",
)
@click.option("--out", type=_FOLDER, required=True, help="The adapter's folder; a stopped training goes on from it.")
@click.option("--steps", default=1000, show_default=True, type=click.IntRange(1))
@click.option("--batch", default=8, show_default=True, type=click.IntRange(1))
@click.option("--rate", default=8e-4, show_default=True, type=click.FloatRange(0, min_open=True))
@click.option("--rank", default=16, show_default=True, type=click.IntRange(1, 256))
@click.option("--seed", default=1, show_default=True, type=int)
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1))
@click.option(
    "--minutes", type=click.FloatRange(0, min_open=True), help="End within this time; the rate falls in time."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
@exit_codes
def train_(file: Path, base: Path, out: Path, steps: int, batch: int, rate: float, rank: int, seed: int, threads: int, minutes: float | None, as_json: bool) -> int:  # fmt: skip
    """Tune a small language model with LoRA, on the GPU where there is one."""
    from scanwright.agent.learning.train import Recipe, train

    recipe = Recipe(
        steps=steps, batch=batch, rate=rate, rank=rank, alpha=2 * rank, seed=seed, threads=threads, minutes=minutes
    )
    state = train(file, base, out, recipe, say=lambda line: click.echo(line, err=True))
    if as_json:
        print_json(state)
    else:
        click.echo(
            f"{out}: {state['step']} steps in {state['seconds'] / 60:.0f} min, held-out loss {state.get('held_out_loss')}"
        )
    return 0


@command.command("merge")
@click.option(
    "--base", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="A GGUF file."
)
@click.option("--adapter", type=_FOLDER, required=True)
@click.option("--out", type=_FILE, required=True)
@exit_codes
def merge(base: Path, adapter: Path, out: Path) -> int:
    """Write a GGUF file with the adapter in it, for scanwright llm serve --cpu --model OUT."""
    from scanwright.agent.learning.export import merged_gguf

    click.echo(str(merged_gguf(base, adapter, out)))
    return 0


@command.command("prompt")
@click.option("--data", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--endpoint", required=True, help="Where the model answers: http://127.0.0.1:8093/v1.")
@click.option("--model", default="default", show_default=True, help="Its name there.")
@click.option("--key-env", help="The environment variable with its key.")
@click.option("--out", type=_FILE, required=True, help="The prompt that was found (JSON).")
@click.option("--search", type=click.Choice(["gepa", "random"]), default="gepa", show_default=True)
@click.option(
    "--questions",
    default=60,
    show_default=True,
    type=click.IntRange(4),
    help="Rows of the training part that candidates are tried on.",
)
@click.option("--calls", default=600, show_default=True, type=click.IntRange(4), help="Calls of the model, about.")
@click.option("--reflect", is_flag=True, help="Let the same model write instructions from what went wrong.")
@click.option("--seed", default=1, show_default=True, type=int)
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
@exit_codes
def prompt_(file: Path, endpoint: str, model: str, key_env: str | None, out: Path, search: str, questions: int, calls: int, reflect: bool, seed: int, as_json: bool) -> int:  # fmt: skip
    """Choose an instruction and examples for a model, on the training part of the data."""
    import random

    from scanwright.agent.learning.data import Maker, load
    from scanwright.agent.learning.prompts import Trial, gepa_search, random_search
    from scanwright.agent.llm.client import LLMClient
    from scanwright.agent.llm.endpoint import Endpoint
    from scanwright.tools.errors import UserInputError
    from scanwright.tools.registry import load_registry

    try:
        where = Endpoint(base_url=endpoint, model=model, api_key_env=key_env, max_tokens=160, timeout_s=120)
    except ValueError as error:
        raise UserInputError(f"--endpoint {endpoint} is no address of a model: {error}.") from None
    rows = load(file, "train")
    random.Random(seed).shuffle(rows)
    tried, pool = rows[:questions], rows[questions : questions + 400]
    trial = Trial(LLMClient(where), Maker(load_registry(), seed), pool)
    say: Any = lambda line: click.echo(line, err=True)  # noqa: E731
    if search == "random":
        best, worth = random_search(trial, tried, seed=seed, calls=calls, say=say)
    else:
        ask = (
            (lambda text: trial.llm.text([{"role": "user", "content": text}], name="instruction")) if reflect else None
        )
        best, worth = gepa_search(trial, tried, seed=seed, calls=calls, reflect=ask, say=say)
    shots = trial.few_shot(best)
    found = {
        "instruction": shots.instruction, "examples": [list(e) for e in shots.examples], "reward": round(worth, 4),
        "search": search, "seed": seed, "calls": trial.calls, "model": where.model,
    }  # fmt: skip
    partial = out.with_name(f"{out.name}.partial")
    partial.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    os.replace(partial, out)
    if as_json:
        print_json(found)
    else:
        click.echo(f"{out}: mean reward {worth:.3f}, {len(shots.examples)} examples, {trial.calls} calls")
    return 0


@command.command("reinforce")
@click.option("--data", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--base", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--adapter", type=_FOLDER, help="A tuned adapter to go on from.")
@click.option("--out", type=_FOLDER, required=True)
@click.option("--steps", default=200, show_default=True, type=click.IntRange(1))
@click.option("--generations", default=8, show_default=True, type=click.IntRange(2))
@click.option("--vllm", "use_vllm", is_flag=True, help="Let vLLM generate (GPU).")
@exit_codes
def reinforce(file: Path, base: Path, adapter: Path | None, out: Path, steps: int, generations: int, use_vllm: bool) -> int:  # fmt: skip
    """GRPO with the compiler's rewards: a recipe that was tried for two steps, no more."""
    from scanwright.agent.learning.data import load
    from scanwright.agent.learning.grpo import grpo
    from scanwright.tools.registry import load_registry

    log = grpo(
        load(file, "train"),
        base,
        load_registry(),
        out,
        steps=steps,
        generations=generations,
        use_vllm=use_vllm,
        adapter=adapter,
    )
    for row in log:
        click.echo(json.dumps({"step": row["step"], "reward": row["reward"], "loss": row["loss"]}))
    return 0
