"""Scanwright: a question about a scan, answered with evidence."""
