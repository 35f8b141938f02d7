"""The planner that uses a language model: a small form, filled under a schema, expanded by code."""
