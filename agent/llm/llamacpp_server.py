"""Serves one GGUF file on loopback with xllamacpp, as a process of its own: MODEL NAME PORT CONTEXT THREADS PARENT.

It imports nothing of Scanwright, so that any Python with xllamacpp can run it by its path. It ends when the process
PARENT does (0: it stays).
"""

from __future__ import annotations

import os
import sys
import time


def main(model: str, name: str, port: str, context: str, threads: str, parent: str) -> None:
    """Starts the server and waits; it is stopped by a signal."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {name}
    params.n_ctx = int(context)
    params.n_parallel = 1
    params.cpuparams.n_threads = int(threads)
    params.hostnames = ["127.0.0.1"]
    params.port = int(port)
    params.cache_prompt = True
    params.ui = False
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    while parent == "0" or os.getppid() == int(parent):
        time.sleep(0.5)


if __name__ == "__main__":
    main(*sys.argv[1:])
