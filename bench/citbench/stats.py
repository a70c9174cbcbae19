"""Medians and how far to trust them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import median

_RESAMPLES = 2000


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % bootstrap interval of the median over rounds.

    Seeded, so that the same rounds give the same interval.  One value is its own interval.
    """
    if len(values) == 1:
        return values[0], values[0]
    source = random.Random(20260101)
    medians = sorted(median(source.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    return medians[int(_RESAMPLES * 0.025)], medians[int(_RESAMPLES * 0.975) - 1]
