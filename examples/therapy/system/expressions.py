"""The expression language, under the name the applications import it by."""

from therapy.engines import ParseException, Parser

__all__ = ["ParseException", "Parser"]
