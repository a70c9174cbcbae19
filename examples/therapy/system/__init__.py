"""Programmes: sessions as graphs, what they show and send, variables."""
