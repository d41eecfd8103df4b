"""Train a model from a feature frame; read fit.py first."""
