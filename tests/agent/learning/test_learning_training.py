"""Training: a tiny network learns, goes on after a stop as if there had been none, and is the same when loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scanwright.agent.learning.data import Maker, load, write
from scanwright.agent.learning.train import Recipe, answer_text, tokenised, train
from scanwright.tools.errors import UserInputError
from scanwright.tools.registry import load_registry

peft = pytest.importorskip("peft", reason="training needs peft, which is in the extra 'train'")
QUICK = Recipe(steps=3, batch=4, rate=1e-2, warmup=1, rank=2, alpha=4, held_out_rows=4, check_every=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty rows."""
    registry = load_registry()
    file = tmp_path_factory.mktemp("rows") / "plans.jsonl"
    write(Maker(registry, 2).rows(40), file, seed=2, registry=registry, dropped={})
    return file


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """A network of the Llama family with two small layers and random weights, and a tokenizer made of the rows."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("base")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    marks = ["<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=marks, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator([r.json() for r in load(data)], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=marks[0], eos_token=marks[1])
    fast.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast), hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, bos_token_id=0, eos_token_id=1, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, data: Path, base: Path) -> tuple[Path, dict[str, Any]]:
    """An adapter after three steps."""
    out = tmp_path_factory.mktemp("trained") / "adapter"
    return out, train(data, base, out, QUICK, say=lambda _: None)


def test_three_steps_lower_the_loss_of_what_was_held_out(trained: tuple[Path, dict[str, Any]]) -> None:
    out, state = trained
    log = [json.loads(line) for line in (out / "log.jsonl").read_text("utf-8").splitlines()]
    checked = [row["held_out_loss"] for row in log if "held_out_loss" in row]
    assert [row["step"] for row in log] == [1, 2, 3]
    assert state["held_out_loss"] == checked[-1] < checked[0]


def test_a_stopped_training_goes_on_to_the_same_weights(
    trained: tuple[Path, dict[str, Any]], data: Path, base: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file

    class Stopped(Exception):
        pass

    def stop(_: str) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        train(data, base, tmp_path / "again", QUICK, say=stop)
    assert not (tmp_path / "again" / "adapter_config.json").exists()
    train(data, base, tmp_path / "again", QUICK, say=lambda _: None)
    whole, again = (load_file(f / "adapter_model.safetensors") for f in (trained[0], tmp_path / "again"))
    assert whole.keys() == again.keys()
    assert all((whole[k] == again[k]).all() for k in whole)


def test_another_recipe_is_not_mixed_into_a_training(
    trained: tuple[Path, dict[str, Any]], data: Path, base: Path
) -> None:
    with pytest.raises(UserInputError, match="another recipe"):
        train(data, base, trained[0], Recipe(steps=5), say=lambda _: None)


def test_an_adapter_gives_the_same_logits_when_it_is_loaded_and_when_it_is_merged(
    trained: tuple[Path, dict[str, Any]], data: Path, base: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    example = tokenised(load(data)[:1], AutoTokenizer.from_pretrained(trained[0]))[0]
    ids = torch.tensor([[*example.asked, *example.answer]])

    def loaded() -> Any:
        return peft.PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), trained[0]).eval()

    with torch.no_grad():
        one, two, merged = loaded()(ids).logits, loaded()(ids).logits, loaded().merge_and_unload()(ids).logits
        plain = AutoModelForCausalLM.from_pretrained(base).eval()(ids).logits
    assert torch.equal(one, two)
    assert torch.allclose(one, merged, atol=1e-4)
    assert (one - plain).abs().max() > 1e-3


def test_an_answer_is_written_without_spaces_and_ends_with_the_mark(data: Path, base: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    row = load(data)[0]
    example = tokenised([row], tokenizer)[0]
    assert example.answer[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(example.answer[:-1]) == answer_text(row.form)
    assert ": " not in answer_text(row.form)


def test_a_merged_gguf_says_what_the_adapter_says(
    trained: tuple[Path, dict[str, Any]], data: Path, base: Path, tmp_path: Path
) -> None:
    gguf = pytest.importorskip("gguf", reason="GGUF files need gguf, which is in the extra 'train'")
    from scanwright.agent.learning.export import _as_rotated, merged_gguf
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base)
    config, names = model.config, {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k"}
    parts = {
        **names, "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    }  # fmt: skip
    writer = gguf.GGUFWriter(tmp_path / "base.gguf", "llama")
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_string("general.name", "tiny")
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    layers = {n: p.detach().numpy() for n, p in model.named_parameters() if any(part in n for part in parts)}
    for name, values in layers.items():
        part = next(g for p, g in parts.items() if p in name)
        turned = _as_rotated(values, heads[part]) if part in heads else values
        writer.add_tensor(f"blk.{name.split('.')[2]}.{part}.weight", turned)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    out = merged_gguf(tmp_path / "base.gguf", trained[0], tmp_path / "merged.gguf", quantized=False)
    merged = peft.PeftModel.from_pretrained(model, trained[0]).merge_and_unload()
    wanted = dict(merged.named_parameters())["model.layers.1.self_attn.k_proj.weight"].detach().numpy()
    found = {t.name: t.data for t in gguf.GGUFReader(out).tensors}["blk.1.attn_k.weight"]
    assert abs(found.astype("float32") - _as_rotated(wanted, 2)).max() < 1e-3
    assert not list(tmp_path.glob("*.partial"))
