"""Tasks that wait for their time."""
