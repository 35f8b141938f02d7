"""Benchmarks of the whole and of each part; runnable by anyone, with their own data."""
