"""Which model is the best, and how do we know? Entries compared on whole orders, by time."""
