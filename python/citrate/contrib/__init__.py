"""Citrate inside frameworks."""
