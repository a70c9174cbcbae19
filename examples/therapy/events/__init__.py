"""What happened, a row each."""
