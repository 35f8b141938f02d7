"""Tunes a small language model on training data: LoRA, with checkpoints that a stopped training goes on from.

Needs the extra "train" (peft). Runs on a GPU where there is one, else on the CPU.
"""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scanwright.agent.learning.data import Row, load
from scanwright.tools.errors import UserInputError
from scanwright.tools.hashing import sha256_file

STATE = "state.json"
LOG = "log.jsonl"
_CHECKPOINT, _NEW, _OLD = "checkpoint", "checkpoint.new", "checkpoint.old"


@dataclass(frozen=True)
class Recipe:
    """What a training depends on beside its data and base model."""

    steps: int = 1000
    batch: int = 8
    rate: float = 8e-4
    warmup: int = 30
    rank: int = 16
    alpha: int = 32
    seed: int = 1
    threads: int = 1
    held_out_rows: int = 48
    check_every: int = 100
    minutes: float | None = None


@dataclass(frozen=True)
class Example:
    """Token ids of a chat and of its answer (with the mark that ends it)."""

    asked: tuple[int, ...]
    answer: tuple[int, ...]


def answer_text(form: dict[str, Any]) -> str:
    """The answer as the model writes it: a constrained decoder writes no spaces between, and neither does this."""
    return json.dumps(form, ensure_ascii=False, separators=(",", ":"))


def tokenised(rows: Sequence[Row], tokenizer: Any) -> list[Example]:
    """The rows in the model's own chat template."""
    found = []
    for row in rows:
        text = tokenizer.apply_chat_template(row.messages, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        answer = tokenizer(answer_text(row.form), add_special_tokens=False)["input_ids"]
        found.append(Example(tuple(ids), (*answer, tokenizer.eos_token_id)))
    return found


def train(
    data: Path, base: Path, out: Path, recipe: Recipe | None = None, *, say: Callable[[str], None] = print
) -> dict[str, Any]:
    """Trains and writes the adapter folder `out`; returns its state: steps, losses, seconds, what it was trained on.

    data is a file of agent.learning.data; base a folder that transformers loads. Where `out` holds a checkpoint of the
    same recipe, data and base, it goes on from there. A training that runs out of minutes decays its rate in time.
    Raises UserInputError where peft is not installed, or `out` holds another training.
    """
    recipe = recipe or Recipe()
    try:
        import peft
    except ImportError:
        raise UserInputError("Training needs peft: pip install 'scanwright[train]'.") from None
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    known = {"recipe": asdict(recipe), "data": sha256_file(data), "base": str(base)}
    state = _resumed(out, known)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).to(device)
    if state["step"]:
        model = peft.PeftModel.from_pretrained(model, out / _CHECKPOINT, is_trainable=True)
    else:
        config = peft.LoraConfig(
            r=recipe.rank, lora_alpha=recipe.alpha, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        model = peft.get_peft_model(model, config)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.rate, weight_decay=0.0)
    if state["step"]:
        optimizer.load_state_dict(torch.load(out / _CHECKPOINT / "optimizer.pt", weights_only=True))
    examples = tokenised(load(data, "train"), tokenizer)
    held = tokenised(load(data, "held_out")[: recipe.held_out_rows], tokenizer)
    if not examples:
        raise UserInputError(f"{data} holds no row to train on.")
    out.mkdir(parents=True, exist_ok=True)
    start, before = time.monotonic(), state["seconds"]
    model.train()
    done = state["step"] >= recipe.steps
    while not done:
        step, seconds = state["step"], before + time.monotonic() - start
        progress = max(step / recipe.steps, 0.0 if recipe.minutes is None else seconds / (60 * recipe.minutes))
        rate = recipe.rate * min(1.0, (step + 1) / recipe.warmup) * _decay(progress)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = _loss(model, _batch(examples, recipe, step), device)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        state |= {"step": step + 1, "seconds": before + time.monotonic() - start}
        done = step + 1 >= recipe.steps or progress >= 1.0
        row = {
            "step": step + 1,
            "loss": round(float(loss.detach()), 5),
            "rate": round(rate, 8),
            "s": round(state["seconds"], 1),
        }
        if (step + 1) % recipe.check_every == 0 or done:
            row["held_out_loss"] = held_out_loss(model, held, recipe.batch, device)
            state["held_out_loss"] = row["held_out_loss"]
            _save(model, optimizer, {**state, **known}, out)
            say(json.dumps(row))
        with (out / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    state |= {**known, "done": True, "device": device, "examples": len(examples)}
    _write_json(out / STATE, state)
    return state


def held_out_loss(model: Any, examples: Sequence[Example], batch: int, device: str) -> float | None:
    """Mean loss of the answers' tokens, in nats; None without examples."""
    import torch

    if not examples:
        return None
    model.eval()
    with torch.no_grad():
        losses = [
            float(_loss(model, examples[i : i + batch], device)) * len(examples[i : i + batch])
            for i in range(0, len(examples), batch)
        ]
    model.train()
    return round(sum(losses) / len(examples), 5)


def _batch(examples: Sequence[Example], recipe: Recipe, step: int) -> list[Example]:
    """The batch of a step, the same after a resume: a shuffle for each pass, batches of like length within it."""
    per_pass = max(1, len(examples) // recipe.batch)
    rng = random.Random(recipe.seed * 100003 + step // per_pass)
    order = list(range(len(examples)))
    rng.shuffle(order)
    # Within groups of sixteen batches the examples are sorted by length, so that little is padded.
    size = 16 * recipe.batch
    for i in range(0, len(order), size):
        group = sorted(order[i : i + size], key=lambda j: len(examples[j].asked) + len(examples[j].answer))
        batches = [group[k : k + recipe.batch] for k in range(0, len(group), recipe.batch)]
        rng.shuffle(batches)
        order[i : i + size] = [j for batch in batches for j in batch]
    at = (step % per_pass) * recipe.batch
    return [examples[j] for j in order[at : at + recipe.batch]]


def _loss(model: Any, batch: Sequence[Example], device: str) -> Any:
    """Mean cross-entropy of the answers' tokens. Padded on the left, so that logits are made for the answers only."""
    import torch

    longest = max(len(e.asked) + len(e.answer) for e in batch)
    kept = max(len(e.answer) for e in batch) + 1
    ids, mask, labels = [], [], []
    for e in batch:
        pad = longest - len(e.asked) - len(e.answer)
        ids.append([0] * pad + [*e.asked, *e.answer])
        mask.append([0] * pad + [1] * (longest - pad))
        labels.append([-100] * (kept - 1 - len(e.answer)) + [*e.answer])
    attention = torch.tensor(mask, device=device)
    positions = (attention.cumsum(-1) - 1).clamp(min=0)
    with torch.autocast(device, torch.bfloat16):
        logits = model(
            input_ids=torch.tensor(ids, device=device), attention_mask=attention, position_ids=positions,
            logits_to_keep=kept, use_cache=False,
        ).logits  # fmt: skip
    wanted = torch.tensor(labels, device=device)
    return torch.nn.functional.cross_entropy(logits[:, :-1].float().flatten(0, 1), wanted.flatten(), ignore_index=-100)


def _decay(progress: float) -> float:
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def _resumed(out: Path, known: dict[str, Any]) -> dict[str, Any]:
    """The state to go on from. A checkpoint is whole or not there; a stop between two renames leaves the older one."""
    if not (out / _CHECKPOINT).is_dir() and (out / _OLD).is_dir():
        os.replace(out / _OLD, out / _CHECKPOINT)
    file = out / _CHECKPOINT / STATE
    if not file.is_file():
        return {"step": 0, "seconds": 0.0}
    state: dict[str, Any] = json.loads(file.read_text("utf-8"))
    other = [name for name, value in known.items() if state.get(name) != value]
    if other:
        raise UserInputError(
            f"{out} holds a training with another {' and '.join(other)}: give another folder, or delete that one."
        )
    return {name: value for name, value in state.items() if name not in known}


def _save(model: Any, optimizer: Any, state: dict[str, Any], out: Path) -> None:
    import torch

    new = out / _NEW
    shutil.rmtree(new, ignore_errors=True)
    model.save_pretrained(new)
    torch.save(optimizer.state_dict(), new / "optimizer.pt")
    _write_json(new / STATE, state)
    if (out / _CHECKPOINT).is_dir():
        shutil.rmtree(out / _OLD, ignore_errors=True)
        os.replace(out / _CHECKPOINT, out / _OLD)
    os.replace(new, out / _CHECKPOINT)
    shutil.rmtree(out / _OLD, ignore_errors=True)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(value, indent=1) + "\n", "utf-8")
    os.replace(partial, path)
