"""One entry on one window: fitted, scored, measured, kept."""
