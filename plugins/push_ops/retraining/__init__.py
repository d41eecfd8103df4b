"""The tasks of push_retraining."""
