"""The sentence encoder (all-MiniLM-L6-v2) on torch's own transformer layers; runs in a worker.

transformers and sentence-transformers compute the same, and take three to five times as long to import.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.weights.loading import load_safetensors

if TYPE_CHECKING:
    import torch

MAX_TOKENS = 128
DIMENSIONS = 384
_BATCH = 64
# BERT's names for the parts of a layer, beside torch.nn.TransformerEncoderLayer's.
_PARTS = {
    "self_attn.out_proj": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "linear1": "intermediate.dense",
    "linear2": "output.dense",
    "norm2": "output.LayerNorm",
}


class SentenceEncoder:
    """Sentences to unit vectors: BERT layers, mean over the tokens, length one.

    files are the roles model (safetensors), tokenizer and config. Source: Reimers and Gurevych, EMNLP 2019.
    """

    def __init__(self, files: dict[str, Path]) -> None:
        from tokenizers import Tokenizer

        config = json.loads(files["config"].read_text(encoding="utf-8"))
        weights = load_safetensors(files["model"])
        self._tokenizer = Tokenizer.from_file(str(files["tokenizer"]))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()
        self._words = weights["embeddings.word_embeddings.weight"]
        # One sentence at a time: every token is of the first type, so that its vector joins the positions'.
        first_type = weights["embeddings.token_type_embeddings.weight"][0]
        self._places = weights["embeddings.position_embeddings.weight"] + first_type
        self._norm = weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"]
        self._epsilon = float(config["layer_norm_eps"])
        self._layers = _layers(config, weights)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 384) float32, each row of length one; what goes beyond 128 tokens does not count."""
        import torch

        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        # Sentences of like length share a batch, so that little is computed for padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        with torch.inference_mode():
            for first in range(0, len(order), _BATCH):
                batch = order[first : first + _BATCH]
                vectors[batch] = self._encode([texts[i] for i in batch]).numpy()
        return vectors

    def _encode(self, texts: list[str]) -> torch.Tensor:
        import torch
        from torch.nn import functional

        encoded = self._tokenizer.encode_batch(texts)
        tokens = torch.tensor([e.ids for e in encoded])
        real = torch.tensor([e.attention_mask for e in encoded], dtype=torch.bool)
        state = self._words[tokens] + self._places[: tokens.shape[1]]
        state = functional.layer_norm(state, (DIMENSIONS,), *self._norm, self._epsilon)
        state = self._layers(state, src_key_padding_mask=~real)
        weight = real[..., None].float()
        mean = (state * weight).sum(1) / weight.sum(1)
        return functional.normalize(mean)


def _layers(config: dict[str, Any], weights: dict[str, torch.Tensor]) -> Any:
    import torch
    from torch import nn

    with torch.device("meta"):
        layer = nn.TransformerEncoderLayer(
            config["hidden_size"], config["num_attention_heads"], config["intermediate_size"], dropout=0.0,
            activation=config["hidden_act"], layer_norm_eps=config["layer_norm_eps"], batch_first=True,
        )  # fmt: skip
        layers = nn.TransformerEncoder(layer, config["num_hidden_layers"], enable_nested_tensor=False)
    state = {}
    for number in range(config["num_hidden_layers"]):
        ours, theirs = f"layers.{number}", f"encoder.layer.{number}"
        for kind in ("weight", "bias"):
            rows = [weights[f"{theirs}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            state[f"{ours}.self_attn.in_proj_{kind}"] = torch.cat(rows)
            for part, name in _PARTS.items():
                state[f"{ours}.{part}.{kind}"] = weights[f"{theirs}.{name}.{kind}"]
    layers.load_state_dict(state, assign=True)
    return layers.eval()
