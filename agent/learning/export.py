"""A tuned adapter merged into a GGUF file, for servers that read one (llama.cpp); vLLM loads the folder as it is."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import UserInputError

# How a layer's parts are called in the adapter, and in GGUF.
_PARTS = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}  # fmt: skip
_KEY = re.compile(r".*model\.layers\.(?P<layer>\d+)\.(?P<part>\w+\.\w+)\.lora_(?P<half>[AB])\.weight")


def merged_gguf(base: Path, adapter: Path | None, out: Path, *, quantized: bool = True) -> Path:
    """Writes base (a GGUF of the llama family) with the adapter added; None rewrites the base alone, to compare with.

    Matrices are written as Q8_0, or as F16 where not quantized. Raises UserInputError where gguf is not installed, the
    architecture is another, or the adapter does not fit.
    """
    try:
        import gguf
        from gguf.quants import dequantize, quantize
    except ImportError:
        raise UserInputError("Writing a GGUF file needs gguf: pip install 'scanwright[train]'.") from None
    reader = gguf.GGUFReader(base)
    facts = {field.name: field for field in reader.fields.values()}
    architecture = str(facts["general.architecture"].contents())
    if architecture != "llama":
        raise UserInputError(f"{base} is of the family {architecture}; only llama can be merged here.")
    heads = {
        "attn_q": int(facts["llama.attention.head_count"].contents()),
        "attn_k": int(facts["llama.attention.head_count_kv"].contents()),
    }
    deltas = {} if adapter is None else adapter_deltas(adapter)
    kind = gguf.GGMLQuantizationType.Q8_0 if quantized else gguf.GGMLQuantizationType.F16
    partial = out.with_name(f"{out.name}.partial")
    writer = gguf.GGUFWriter(partial, architecture)
    _copy_facts(facts, writer, gguf, 7 if quantized else 1)
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type)
        name = tensor.name.removesuffix(".weight")
        delta = deltas.pop(name, None)
        if delta is not None:
            if delta.shape != values.shape:
                raise UserInputError(f"The adapter does not fit {base}: {name} is {values.shape}, not {delta.shape}.")
            count = heads.get(name.rsplit(".", 1)[-1])
            values = values + (delta if count is None else _as_rotated(delta, count))
        if values.ndim == 1:
            writer.add_tensor(tensor.name, values.astype(np.float32))
        elif values.shape[-1] % 32:
            writer.add_tensor(tensor.name, values.astype(np.float16))
        else:
            writer.add_tensor(tensor.name, quantize(values.astype(np.float32), kind), raw_dtype=kind)
    if deltas:
        raise UserInputError(f"The adapter changes {sorted(deltas)[0]}, which {base} does not have.")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(partial, out)
    return out


def adapter_deltas(adapter: Path) -> dict[str, NDArray[np.float32]]:
    """What a LoRA folder adds to each matrix, by the matrix's name in GGUF without ".weight": (out, in)."""
    from safetensors.numpy import load_file

    file = adapter / "adapter_model.safetensors"
    if not file.is_file():
        raise UserInputError(f"{adapter} is no adapter: it should hold adapter_model.safetensors.")
    config = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    scale = config["lora_alpha"] / (config["r"] ** (0.5 if config.get("use_rslora") else 1.0))
    halves: dict[str, dict[str, Any]] = {}
    for key, value in load_file(file).items():
        match = _KEY.fullmatch(key)
        if match is None or match["part"] not in _PARTS:
            raise UserInputError(f"{adapter} changes {key}, which cannot be merged here.")
        name = f"blk.{match['layer']}.{_PARTS[match['part']]}"
        halves.setdefault(name, {})[match["half"]] = value.astype(np.float32)
    return {name: (scale * (half["B"] @ half["A"])).astype(np.float32) for name, half in halves.items()}


def _as_rotated(weights: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of a query or key matrix as GGUF has them: it rotates neighbours, transformers rotates halves."""
    rows, columns = weights.shape
    return weights.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _copy_facts(facts: dict[str, Any], writer: Any, gguf: Any, file_type: int) -> None:
    for name, field in facts.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), kind, sub_type=inner)
    writer.add_uint32("general.file_type", file_type)
