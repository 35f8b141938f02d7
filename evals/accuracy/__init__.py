"""Measured accuracy of tools against references, with n, comparator, seconds and memory."""
