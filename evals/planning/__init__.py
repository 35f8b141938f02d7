"""The question set for planners, and how a planner is judged on it."""
