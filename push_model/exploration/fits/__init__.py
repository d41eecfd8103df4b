"""Fit and measure one entry on one window."""
