"""The tools by family. A family imports the contract, artifacts and imaging I/O, never another family."""
