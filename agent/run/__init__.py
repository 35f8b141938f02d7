"""Running plans: one generic graph, results kept by hash, an append-only log."""
