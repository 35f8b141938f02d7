"""The typed tool factory: contract, artifacts, vocabulary, imaging I/O, tools, runtimes and weights."""
