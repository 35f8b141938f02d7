"""The API server: the same questions over HTTP, on this machine only."""
