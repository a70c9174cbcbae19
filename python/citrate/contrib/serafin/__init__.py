"""Serafin's Parser and Engine, native: the same constructors, methods, results and side effects.

    # system/expressions.py
    from citrate.contrib.serafin import ParseException, Parser

    # system/engine.py
    from citrate.contrib.serafin import Engine, EngineException

Importing this imports no Django and no model, and reads no setting; all of that happens when the
first Parser or Engine is made.  `CITRATE_SERAFIN = {"lineage": "A" | "B" | "B+refresh"}` in
Django's settings, or `configure(lineage=...)`, says which Serafin is meant; "B" when nothing does.
"""

from citrate.contrib.serafin.engine import Engine, EngineException
from citrate.contrib.serafin.expressions import ParseException, Parser, str_trim_float
from citrate.contrib.serafin.settings import configure

__all__ = ["Engine", "EngineException", "ParseException", "Parser", "configure", "str_trim_float"]
