"""Starts a server for a language model on this machine, waits until it answers, and stops it by its pid."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scanwright.agent.llm import llamacpp_server, vllm_server
from scanwright.tools.errors import ToolFailed, UserInputError

RECORD = "llm-server.json"
LOG = "llm-server.log"
CONTEXT = 8192
_TAIL = 400


@dataclass(frozen=True)
class Server:
    """A server that was started here. created is the time at which its process began: a pid alone may be reused."""

    pid: int
    created: float
    base_url: str
    model: str


def llamacpp_command(
    model: Path, name: str, port: int, *, python: str = sys.executable, threads: int = 0, stays: bool = False
) -> list[str]:
    """The command that serves a GGUF file on the CPU. threads 0: one for each core.

    Raises UserInputError where that Python has no xllamacpp.
    """
    if not _has(python, "xllamacpp"):
        raise UserInputError(
            "Serving on the CPU needs xllamacpp: pip install 'scanwright[llm-cpu]', or name a Python that has it with "
            "--python."
        )
    parent = 0 if stays else os.getpid()
    words = [str(model), name, port, CONTEXT, threads or os.cpu_count() or 1, parent]
    return [python, str(Path(llamacpp_server.__file__)), *map(str, words)]


def vllm_command(
    model: str,
    name: str,
    port: int,
    *,
    python: str = sys.executable,
    adapters: Mapping[str, Path] | None = None,
    stays: bool = False,
) -> list[str]:
    """The command that serves a model with vLLM, and adapters (LoRA) under names of their own.

    Raises UserInputError where that Python has no vLLM, or a folder is no adapter.
    """
    if not _has(python, "vllm"):
        raise UserInputError(
            "Serving on a GPU needs vLLM in an environment of its own: python -m venv vllm && vllm/bin/pip install "
            "vllm, then scanwright llm serve --python vllm/bin/python --model MODEL; on the CPU: scanwright llm serve "
            "--cpu."
        )
    # The rules and the fixed examples of a planning prompt are the same each time: read once, kept.
    words = [
        python, str(Path(vllm_server.__file__)), "0" if stays else str(os.getpid()), "--model", model,
        "--served-model-name", name, "--host", "127.0.0.1", "--port", str(port), "--max-model-len", str(CONTEXT),
        "--enable-prefix-caching", "--disable-uvicorn-access-log",
    ]  # fmt: skip
    # On the CPU the share would be one of the machine's memory; there the space is said in vllm_environment.
    words += [] if is_cpu_build(python) else ["--gpu-memory-utilization", "0.85"]
    if adapters:
        for folder in adapters.values():
            if not (folder / "adapter_config.json").is_file():
                raise UserInputError(f"{folder} is no adapter: it should hold adapter_config.json.")
        words += ["--enable-lora", "--max-lora-rank", "64", "--lora-modules"]
        words += [f"{served}={folder.absolute()}" for served, folder in adapters.items()]
    return words


def vllm_environment(model: str) -> dict[str, str]:
    """What vLLM is told by its environment: it reports to nobody, listens to this machine, keeps 2 GB on a CPU."""
    said = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_HOST_IP": "127.0.0.1"}
    said |= {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
    said |= {"HF_HUB_OFFLINE": "1"} if Path(model).is_dir() else {}
    return said | {"VLLM_CPU_KVCACHE_SPACE": os.environ.get("VLLM_CPU_KVCACHE_SPACE", "2")}


def is_cpu_build(python: str) -> bool:
    """True where that Python's vLLM is the one for CPUs."""
    return _runs(python, "from importlib.metadata import version; version('vllm-cpu')")


def start(
    command: Sequence[str],
    folder: Path,
    *,
    port: int,
    model: str,
    ready_s: float = 600.0,
    stays: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Server:
    """Starts command, waits until it answers on port, and keeps a record of it in folder.

    Raises UserInputError where one runs already or the port is taken, ToolFailed where it ends or is not ready in
    time; then nothing is left running.
    """
    import psutil

    if (other := running(folder)) is not None:
        raise UserInputError(f"A server runs already at {other.base_url} (pid {other.pid}): scanwright llm stop.")
    base_url = f"http://127.0.0.1:{port}/v1"
    if _answers(base_url):
        raise UserInputError(f"Something answers on port {port} already: name another with --port.")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOG).open("wb") as log:
        child = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=stays,
            env={**os.environ, **(environment or {})},
        )
    try:
        server = Server(child.pid, psutil.Process(child.pid).create_time(), base_url, model)
        (folder / RECORD).write_text(json.dumps(asdict(server)))
        deadline = time.monotonic() + ready_s
        while not _answers(base_url):
            if child.poll() is not None:
                raise ToolFailed(f"The server ended before it was ready: {_tail(folder / LOG)}")
            if time.monotonic() > deadline:
                raise ToolFailed(f"The server was not ready after {ready_s:.0f} s: look at {folder / LOG}.")
            time.sleep(0.2)
    except BaseException:
        _end(child.pid)
        child.wait()
        (folder / RECORD).unlink(missing_ok=True)
        raise
    return server


def running(folder: Path) -> Server | None:
    """The server whose record lies in folder, if its very process still runs."""
    import psutil

    try:
        server = Server(**json.loads((folder / RECORD).read_text()))
        process = psutil.Process(server.pid)
        same = abs(process.create_time() - server.created) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, TypeError, psutil.Error):
        return None
    return server if same else None


def wait(folder: Path, tick: Callable[[], None] | None = None) -> None:
    """Waits until the server ends or is stopped."""
    while running(folder) is not None:
        if tick is not None:
            tick()
        time.sleep(0.5)


def stop(folder: Path) -> Server | None:
    """Ends the server whose record lies in folder and returns it; None where none runs."""
    server = running(folder)
    if server is not None:
        _end(server.pid)
    (folder / RECORD).unlink(missing_ok=True)
    return server


def _end(pid: int, patience_s: float = 10.0) -> None:
    """Asks a process and its children to end, and makes them after a while."""
    import psutil

    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in processes:
        _signalled(process, gently=True)
    _, alive = psutil.wait_procs(processes, timeout=patience_s)
    for process in alive:
        _signalled(process, gently=False)


def _signalled(process: object, *, gently: bool) -> None:
    import psutil

    assert isinstance(process, psutil.Process)
    try:
        process.terminate() if gently else process.kill()
    except psutil.NoSuchProcess:
        return


def _has(python: str, module: str) -> bool:
    return _runs(python, f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)")


def _runs(python: str, code: str) -> bool:
    """True where code ends well in that Python."""
    try:
        return subprocess.run([python, "-c", code], capture_output=True, timeout=60, check=False).returncode == 0
    except OSError as error:
        raise UserInputError(f"{python} cannot be run ({error.strerror}): name a Python with --python.") from None
    except subprocess.TimeoutExpired:
        return False


def _answers(base_url: str) -> bool:
    """True where a server lists its models there: it does so once they are loaded."""
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{base_url}/models", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _tail(log: Path) -> str:
    """The end of a log, in one line."""
    return " ".join(log.read_text("utf-8", errors="replace")[-_TAIL:].split()) or "it said nothing."
