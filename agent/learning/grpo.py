"""Reinforcement learning from the compiler: trl's GRPO with the rewards of reward.py. A recipe, tried for two steps.

Needs the extra "train" with trl and datasets. Generation is not held to the schema here: what is not valid is worth
nothing, which the tuned model has learnt to avoid. On a GPU vLLM generates (use_vllm).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scanwright.agent.learning.data import Maker, Row
from scanwright.agent.learning.reward import Reward
from scanwright.tools.errors import UserInputError
from scanwright.tools.registry import Registry


def grpo(
    rows: Sequence[Row], base: Path | Any, registry: Registry, out: Path, *, tokenizer: Any = None, steps: int = 200,
    generations: int = 8, seed: int = 1, threads: int = 1, use_vllm: bool = False, adapter: Path | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Trains and writes an adapter to out; returns trl's log, one row for each step with "reward" and "loss".

    base is a folder that transformers loads (or a model, with its tokenizer); adapter goes on from a tuned one.
    Raises UserInputError where trl is not installed.
    """
    try:
        from datasets import Dataset
        from peft import LoraConfig, PeftModel
        from trl import GRPOConfig, GRPOTrainer
    except ImportError:
        raise UserInputError("GRPO needs trl and datasets: pip install 'scanwright[train]'.") from None
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(threads)
    tokenizer = tokenizer or AutoTokenizer.from_pretrained(base)
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32) if isinstance(base, Path) else base
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    if adapter is not None:
        model, lora = PeftModel.from_pretrained(model, adapter, is_trainable=True), None
    columns = [
        {
            "prompt": r.messages, "question": r.question, "form": json.dumps(r.form), "scene": r.scene,
            "mask": r.mask, "point": r.point,
        }
        for r in rows
    ]  # fmt: skip
    config = GRPOConfig(
        output_dir=str(out), max_steps=steps, per_device_train_batch_size=generations, num_generations=generations,
        max_completion_length=160, temperature=1.0, learning_rate=1e-5, beta=0.02, scale_rewards="group",
        mask_truncated_completions=True, seed=seed, logging_steps=1, save_strategy="no", report_to=[],
        bf16=torch.cuda.is_available(), use_cpu=not torch.cuda.is_available(), use_vllm=use_vllm,
        disable_tqdm=True,
    )  # fmt: skip
    trainer = GRPOTrainer(
        model=model, reward_funcs=Reward(Maker(registry, seed)), args=config,
        train_dataset=Dataset.from_list(columns), processing_class=tokenizer, peft_config=lora,
    )  # fmt: skip
    trainer.train()
    trainer.save_model(str(out))
    return [row for row in trainer.state.log_history if "reward" in row]
