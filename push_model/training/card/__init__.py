"""The model card: one page to read and one text to compare."""
