"""Compare what champions predicted with what was bought."""
