"""Decide whether a challenger may serve."""
