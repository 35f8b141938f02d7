"""Language models: one client for every call, and what may be said to which endpoint."""
