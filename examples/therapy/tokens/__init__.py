"""Links that log somebody in."""
