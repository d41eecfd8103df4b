"""Turn a dataset URI into checked, filtered rows."""
