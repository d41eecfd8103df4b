"""Answer requests for predictions."""
