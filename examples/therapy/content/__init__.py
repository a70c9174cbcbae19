"""The pages of a programme in a browser."""
