"""Plans: what they are, how goals become plans, and whether a plan makes sense for a scan."""
