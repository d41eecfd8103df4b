"""The commands of `push-model`."""
