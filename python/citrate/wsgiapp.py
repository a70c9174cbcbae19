"""From the name of an application to the application.

    MODULE                    its attribute `application`
    MODULE:NAME.NAME          an attribute of it
    MODULE:factory("x", n=1)  what a call with literal arguments returns
    config:FILE.ini#NAME      an application of a PasteDeploy file (default name: main)

A name that leads nowhere gives one line; code that raises gives its traceback, without
the frames of Citrate and of the import machinery.
"""

from __future__ import annotations

import sys

from citrate.errors import LoadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType, TracebackType
    from typing import Any

    WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

DEFAULT_NAME = "application"
CO_COROUTINE = 0x80


def load(spec: str) -> WSGIApp:
    """The application ``spec`` names.  LoadError if there is none, or if its code raises."""
    if spec.startswith("config:"):
        return _check(spec, _from_paste(spec))
    name, _, expression = spec.partition(":")
    module = _module(name)
    return _check(spec, _evaluate(spec, module, expression or DEFAULT_NAME))


def _module(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise LoadError(f"{name!r} is no name of a module{_path_hint(name)}")
    try:
        __import__(name)
    except ModuleNotFoundError as exc:
        # Only the named module or a package above it; anything else is the application's own import.
        if exc.name is None or not (name + ".").startswith(exc.name + "."):
            raise _raised(f"importing {name}", exc) from None
        raise LoadError(_missing(name if name.endswith(".py") else exc.name)) from None
    except (Exception, SystemExit) as exc:
        raise _raised(f"importing {name}", exc) from None
    return sys.modules[name]


def _path_hint(name: str) -> str:
    base = name.removesuffix(".py").strip("/").replace("/", ".").removeprefix("..").removeprefix(".")
    if base != name and all(part.isidentifier() for part in base.split(".")):
        return f"; did you mean {base}?"
    return "; write MODULE:NAME, e.g. mysite.wsgi:application"


def _missing(name: str) -> str:
    import difflib
    import os

    parent, _, leaf = name.rpartition(".")
    if leaf == "py":
        return f"there is no module {name!r}; did you mean {parent}?"
    paths = sys.modules[parent].__path__ if parent in sys.modules and hasattr(sys.modules[parent], "__path__") else []
    if parent and not paths:
        return f"there is no module {name!r}: {parent!r} is no package"
    where = list(paths) or [os.getcwd()]
    found = {entry.removesuffix(".py") for path in where for entry in _listed(path)}
    near = difflib.get_close_matches(leaf, sorted(found), 1)
    hint = f"; did you mean {parent + '.' if parent else ''}{near[0]}?" if near else ""
    if not hint and not parent:
        hint = " (--chdir or --pythonpath say where else to look)"
    return f"there is no module {name!r} in {where[0]}{' or elsewhere on sys.path' if not parent else ''}{hint}"


def _listed(path: str) -> list[str]:
    import os

    try:
        return [e for e in os.listdir(path) if e.endswith(".py") or os.path.isdir(os.path.join(path, e))]
    except OSError:
        return []


def _evaluate(spec: str, module: ModuleType, expression: str) -> object:
    if "(" not in expression:
        return _attribute(spec, module, expression)
    path, args, keywords = _parse_call(spec, expression)
    factory = _attribute(spec, module, path)
    if not callable(factory):
        raise LoadError(f"{spec}: {path} is of type {type(factory).__name__} and can't be called")
    try:
        return factory(*args, **keywords)
    except (Exception, SystemExit) as exc:
        raise _raised(f"calling {expression} of {module.__name__}", exc) from None


def _parse_call(spec: str, expression: str) -> tuple[str, list[object], dict[str, object]]:
    import ast

    try:
        call = ast.parse(expression, mode="eval").body
        if not isinstance(call, ast.Call):
            raise ValueError
        args = [ast.literal_eval(arg) for arg in call.args]
        keywords = {str(kw.arg): ast.literal_eval(kw.value) for kw in call.keywords if kw.arg is not None}
        if len(keywords) != len(call.keywords):
            raise ValueError
    except (SyntaxError, ValueError):
        raise LoadError(
            f"{spec}: a call must look like factory() or factory('text', n=1), with literals only"
        ) from None
    return ast.unparse(call.func), args, keywords


def _attribute(spec: str, module: ModuleType, path: str) -> object:
    value: object = module
    name = module.__name__
    for part in path.split("."):
        if not part.isidentifier():
            raise LoadError(f"{spec}: {part!r} is no name; write MODULE:NAME, e.g. mysite.wsgi:application")
        try:
            value = getattr(value, part)
        except AttributeError:
            raise LoadError(f"{name} has no {part!r}{_attribute_hint(value, part)}") from None
        except Exception as exc:  # a module's own __getattr__
            raise _raised(f"looking up {part} in {name}", exc) from None
        name += "." + part
    return value


def _attribute_hint(value: object, part: str) -> str:
    import difflib

    names = [n for n in dir(value) if not n.startswith("_") and callable(getattr(value, n, None))]
    near = difflib.get_close_matches(part, names, 1, 0.5)
    if near:
        return f"; did you mean {near[0]}?"
    own = [n for n in names if getattr(getattr(value, n), "__module__", None) == getattr(value, "__name__", None)]
    return f"; it has {', '.join(own[:6])}" if own else ""


def _check(spec: str, app: object) -> WSGIApp:
    if not callable(app):
        raise LoadError(f"{spec} is of type {type(app).__name__}, and a WSGI application is something to call")
    for function in (app, getattr(type(app), "__call__", None)):  # noqa: B004 - it is looked at, not called
        if getattr(getattr(function, "__code__", None), "co_flags", 0) & CO_COROUTINE:
            raise LoadError(f"{spec} is an ASGI application (async def); Citrate serves WSGI ones")
    return app


def _from_paste(spec: str) -> object:
    import os

    try:
        from paste.deploy import loadapp
    except ImportError:
        raise LoadError(f"{spec}: PasteDeploy is not installed (pip install PasteDeploy)") from None
    path, _, name = spec.removeprefix("config:").partition("#")
    path = os.path.abspath(path)
    if not os.path.exists(path):
        raise LoadError(f"{spec}: there is no file {path}")
    try:
        return loadapp("config:" + path, name=name or None)
    except (Exception, SystemExit) as exc:
        raise _raised(f"loading {spec}", exc) from None


# ---- tracebacks ----


def _raised(doing: str, exc: BaseException) -> LoadError:
    """A LoadError that carries the traceback of the application's own code."""
    import traceback

    tb = exc.__traceback__
    while tb is not None and _is_ours(tb):
        tb = tb.tb_next
    text = "".join(traceback.format_exception(type(exc), exc, tb)).rstrip()
    return LoadError(f"{doing} raised {type(exc).__name__}:\n{text}")


def _is_ours(tb: TracebackType) -> bool:
    filename = tb.tb_frame.f_code.co_filename
    return filename == __file__ or filename.startswith("<frozen importlib")
