"""Where tools run: one interface, local worker processes or Ray actors behind it."""
