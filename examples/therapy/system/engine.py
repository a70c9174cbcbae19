"""The engine, under the name the applications import it by."""

from therapy.engines import Engine, EngineException

__all__ = ["Engine", "EngineException"]
