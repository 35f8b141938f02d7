"""Cohorts: one question about many studies, read, planned, run study by study, and put together."""
