"""Plans that are valid and clinically wrong, with plans that are right, and whether the checks tell them apart."""
