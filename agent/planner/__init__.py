"""Planners: one interface, goals out. The compiler makes the steps, whoever planned."""
