"""Everything an expression may give, as JSON that databases take."""

import json
import math


class DataEncoder(json.JSONEncoder):
    """Writes what JSON lacks as text: NaN and infinities, NUL characters, complex numbers, odd objects.

    PostgreSQL's jsonb refuses all of these, and a visitor can compute any of them.
    """

    def __init__(self, **options):
        super().__init__(**{**options, "allow_nan": False})

    def default(self, o):
        try:
            return [plain(item) for item in o]
        except TypeError:
            return str(o)

    def encode(self, o):
        try:
            text = super().encode(o)
        except ValueError:
            text = None
        if text is None or "\\u0000" in text or "\\ud" in text:
            text = super().encode(plain(o))
        return text


def plain(value):
    """The same value without what jsonb refuses."""
    if isinstance(value, dict):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value
