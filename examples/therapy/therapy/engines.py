"""The one place that chooses an engine, by the setting THERAPY_ENGINE.

"native" is what any application of this kind would import; it reads its lineage from
CITRATE_SERAFIN.  "python" does the same in plain Python, for comparing.
"""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

__all__ = ["Engine", "EngineException", "ParseException", "Parser"]

if settings.THERAPY_ENGINE == "native":
    from citrate.contrib.serafin import Engine, EngineException, ParseException, Parser
elif settings.THERAPY_ENGINE == "python":
    from citrate.contrib.serafin import reference
    from citrate.contrib.serafin.reference import EngineException, ParseException

    class Parser(reference.Parser):
        """The reference, of the lineage this site follows."""

        lineage = settings.THERAPY_LINEAGE

    class Engine(reference.Engine):
        """The reference, of the lineage this site follows."""

        lineage = settings.THERAPY_LINEAGE
        parser_class = Parser

else:
    raise ImproperlyConfigured(f"THERAPY_ENGINE is native or python, not {settings.THERAPY_ENGINE!r}")
