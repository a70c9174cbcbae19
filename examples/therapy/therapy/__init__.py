"""A small e-therapy platform: programmes as graphs, walked by a page-flow engine."""
