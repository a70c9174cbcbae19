"""Parser and Engine in plain Python, written from the description of what they do.

They reproduce what the original applications see, with the costs of a plain implementation: what
`citrate.contrib.serafin` is compared with, in tests and in benchmarks.  Needs pyparsing ≥ 3.0:
`pip install citrate[reference]`.
"""

from citrate.contrib.serafin.reference.engine import Engine, EngineException
from citrate.contrib.serafin.reference.parser import ParseException, Parser

__all__ = ["Engine", "EngineException", "ParseException", "Parser"]
