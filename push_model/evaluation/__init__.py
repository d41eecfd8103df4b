"""How good scores are, for whom, and how sure that is."""
