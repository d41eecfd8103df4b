"""Measure scores: metrics, intervals, curves, slices, importances."""
