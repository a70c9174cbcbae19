"""The benchmark of Citrate and its rivals: see docs/benchmarks.md."""
