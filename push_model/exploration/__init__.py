"""Compare models on whole orders, by time, and choose one by a fixed rule."""
