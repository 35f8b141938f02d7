"""A process that lists its models on PORT after DELAY seconds, or ends at once (PORT 0)."""

from __future__ import annotations

import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer


class Lists(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"data": []}')

    def log_message(self, *_: object) -> None:
        """Silent."""


if __name__ == "__main__":
    if sys.argv[1] == "0":
        sys.exit("there is no such model")
    time.sleep(float(sys.argv[2]))
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Lists).serve_forever()
