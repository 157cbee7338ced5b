"""Choosing what to train, and training it."""
