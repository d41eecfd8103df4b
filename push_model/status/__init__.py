"""Say what serves, how good it is, how the runs ended, and what to do."""
