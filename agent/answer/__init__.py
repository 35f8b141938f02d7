"""Evidence and answers: every number comes from evidence, every sentence is checked."""
