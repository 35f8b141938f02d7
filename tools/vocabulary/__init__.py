"""The words of the field: structures, quantities and units, with their codes and plain-language synonyms."""
