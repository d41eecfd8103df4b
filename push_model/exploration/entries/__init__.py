"""The models that the exploration compares, as data."""
