"""Time points: which exam of a patient a goal speaks of."""
