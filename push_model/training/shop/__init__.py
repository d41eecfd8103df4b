"""Make the synthetic sample."""
