"""A model as data: read its document, prepare a row, score it, explain it."""
