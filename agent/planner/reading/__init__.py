"""Reading a question in English: numbers, units, structures, sides, parts. No model, no network."""
