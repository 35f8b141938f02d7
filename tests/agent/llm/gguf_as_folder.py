"""Turns a GGUF file into a folder that vLLM serves: FILE FOLDER. Run by a Python with torch, transformers and gguf."""

from __future__ import annotations

import sys
from pathlib import Path


def main(file: Path, folder: Path) -> None:
    """Writes weights (bfloat16), configuration and tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
    model = AutoModelForCausalLM.from_pretrained(str(file.parent), gguf_file=file.name, dtype=torch.bfloat16)
    # The weights are no longer packed, and the configuration must not say that they are.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
