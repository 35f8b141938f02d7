"""Engines: one for each kind of network, driven by a model card; families make tools of them."""
