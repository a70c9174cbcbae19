"""Whether one server is faster than another: ratios by round, and how sure they are.

Both are measured in each round, one right after the other, so what the machine did in that
minute is in both and cancels out in their ratio.  The ratios of all rounds are averaged as
logarithms (twice and half are equally far from the same), and the interval of that mean comes from
the bootstrap: rounds are drawn again and again, with repetition.

A plain percentile interval of few rounds is too narrow: it takes the spread of n values for that of
the population, and the normal for the t distribution.  The levels are therefore widened as in
T. Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69 (2015),
371-386, section 4 ("expanded percentile interval").  Pairs and intervals instead of one p-value
follow T. Kalibera and R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013.

In simulations of equal servers (docs/measuring.md) the widened interval excludes "the same" in 5 to 7 % of
comparisons, the plain one in 8 % of 20 rounds and 18 % of 5.  With fewer than six rounds nothing is
called significant: that all of five point the same way is chance in one case of sixteen.
"""

from __future__ import annotations

import math
import random
from statistics import NormalDist, fmean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_ROUNDS = 6
TO = "\N{EN DASH}"
RESAMPLES = 10_000
# Student's t, 97.5 %, by degrees of freedom from 1 on.
_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


class Ratio:
    """How many times as much: the middle, and the 95 % interval from ``low`` to ``high``."""

    __slots__ = ("high", "low", "middle", "rounds")

    def __init__(self, middle: float, low: float, high: float, rounds: int):
        self.middle = middle
        self.low = low
        self.high = high
        self.rounds = rounds

    @property
    def is_significant(self) -> bool:
        """The interval is without 1, and of enough rounds."""
        return self.rounds >= LEAST_ROUNDS and (self.low > 1.0 or self.high < 1.0)

    def as_json(self) -> dict[str, float]:
        return {"ratio": round(self.middle, 5), "low": round(self.low, 5), "high": round(self.high, 5)}


def ratio(a: Sequence[float], b: Sequence[float], seed: int = 1, resamples: int = RESAMPLES) -> Ratio:
    """``b`` in terms of ``a``, values of the same rounds in the same places, all above 0.

    Seeded: the same rounds give the same interval.  ValueError for none, or of unequal number.
    """
    if not a or len(a) != len(b):
        raise ValueError("values of both in each round are needed")
    logs = [math.log(y / x) for x, y in zip(a, b, strict=True)]
    count = len(logs)
    source = random.Random(seed)
    means = sorted(fmean(source.choices(logs, k=count)) for _ in range(resamples))
    tail = level(count)
    low = means[min(resamples - 1, int(tail * resamples))]
    high = means[max(0, math.ceil((1 - tail) * resamples) - 1)]
    return Ratio(math.exp(fmean(logs)), math.exp(low), math.exp(high), count)


def level(count: int) -> float:
    """The share of resamples to cut off at each end, of ``count`` rounds; 0.025 for very many."""
    if count < 2:
        return 0.0
    freedom = count - 1
    t = _T[freedom - 1] if freedom <= len(_T) else 1.96 + 2.372 / freedom  # Cornish and Fisher's first term
    return NormalDist().cdf(-math.sqrt(count / freedom) * t)


def verdict(found: Ratio, more: str = "faster", less: str = "slower") -> str:
    """In words: faster by 4.1-5.0 %, slower by so much, or not significant (-0.4 to +0.9 %)."""
    low, high = 100 * (found.low - 1), 100 * (found.high - 1)
    if not found.is_significant:
        return f"not significant ({signed(low)} to {signed(high)} %)"
    if low > 0:
        return f"{more} by {_percent(low)}{TO}{_percent(high)} %"
    return f"{less} by {_percent(-high)}{TO}{_percent(-low)} %"


def _percent(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def signed(percent: float) -> str:
    """+0.9, -0.4, and 0.0 for what is rounded to it."""
    text = f"{percent:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text
