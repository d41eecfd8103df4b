"""How is a model learnt from a feature frame? Read fit.py first."""
