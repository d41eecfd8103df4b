"""Numbers as pictures, tables and pages, for the model card and the exploration report."""
