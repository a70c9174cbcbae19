"""JMeter's HTTP sampler as a step."""

from __future__ import annotations

from urllib.parse import unquote_plus, urlsplit

from citrate.load.drafts import Part, Step
from citrate.load.jmx_props import Props, Texts

_WITH_BODY = ("POST", "PUT", "PATCH")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
# Members that change nothing here when they are empty or false, and what it means when they are not.
_UNUSED = {
    "HTTPSampler.image_parser": "embedded resources are not fetched: a HAR file has them as requests",
    "HTTPSampler.md5": "an MD5 of the answer instead of the answer: left out",
    "HTTPSampler.ipSource": "a source address of its own: left out",
    "HTTPSampler.proxyHost": "a proxy: left out",
    "HTTPSampler.connect_timeout": "a time-out of its own: the plan's connect_timeout holds",
    "HTTPSampler.response_timeout": "a time-out of its own: the plan's timeout holds",
}


def sampler(props: Props, defaults: Props | None, texts: Texts) -> tuple[Step, str]:
    """The step, its URL a path, and its target ("" when none is named, or when the URL has a variable for a host)."""
    place = props.place
    texts.noted(place, unused(props))
    method = (_of("HTTPSampler.method", props, defaults) or "GET").upper()
    target, path = _url(props, defaults, texts)
    step = Step(props.name, method, path)
    step.follow = props.flag("HTTPSampler.follow_redirects") or props.flag("HTTPSampler.auto_redirects")
    if props.has("HTTPSampler.use_keepalive") and not props.flag("HTTPSampler.use_keepalive"):
        step.headers.append(("Connection", "close"))
    arguments = _arguments(defaults, texts) + _arguments(props, texts)
    _content(step, props, arguments, texts)
    return step, target


def unused(props: Props) -> list[str]:
    """What a sampler or its defaults say that has no counterpart."""
    return [text for name, text in _UNUSED.items() if props.text(name) not in ("", "false", "0")]


def _of(name: str, props: Props, defaults: Props | None) -> str:
    return props.text(name) or (defaults.text(name) if defaults is not None else "")


def _url(props: Props, defaults: Props | None, texts: Texts) -> tuple[str, str]:
    place = props.place

    def filled(name: str) -> str:
        return texts.filled(place, _of(name, props, defaults).strip(), is_fixed=True)

    host, port, scheme = filled("HTTPSampler.domain"), filled("HTTPSampler.port"), filled("HTTPSampler.protocol")
    scheme = scheme.lower() or "http"
    path = texts.filled(place, _of("HTTPSampler.path", props, defaults).strip())
    if path.startswith(("http://", "https://")):
        parts = urlsplit(path)
        scheme, host, port = parts.scheme, parts.netloc, ""
        path = path[len(f"{scheme}://{host}") :]
    if path.startswith("{{"):
        texts.noted(place, ["the path begins with a variable: its value has to begin with '/'"])
    elif not path.startswith("/"):
        path = f"/{path}"
    if not host:
        return "", path
    if port in ("", "0", _DEFAULT_PORTS.get(scheme)):
        target = f"{scheme}://{host}"
    else:
        target = f"{scheme}://{host}:{port}"
    return ("", target + path) if "{{" in target else (target, path)


def _arguments(props: Props | None, texts: Texts) -> list[tuple[str, str]]:
    table = props.below("HTTPsampler.Arguments") if props is not None else None
    found = []
    for argument in table.entries("Arguments.arguments") if table is not None else ():
        name = texts.filled(argument.place, argument.text("Argument.name"))
        value = texts.filled(argument.place, argument.text("Argument.value"))
        # What JMeter is told not to encode stands encoded in its file; here everything is encoded.
        is_encoded = name and argument.text("HTTPArgument.always_encode") == "false" and "%" in name + value
        found.append((unquote_plus(name), unquote_plus(value)) if is_encoded else (name, value))
    return found


def _content(step: Step, props: Props, arguments: list[tuple[str, str]], texts: Texts) -> None:
    files = _files(props, texts)
    is_raw = props.flag("HTTPSampler.postBodyRaw") or (bool(arguments) and not any(name for name, _ in arguments))
    if step.method not in _WITH_BODY and not is_raw:
        step.query = arguments
        texts.noted(props.place, ["left out: files of a request without a body"] if files else [])
    elif is_raw:
        step.body = "".join(value for _, value in arguments)
    elif files or props.flag("HTTPSampler.DO_MULTIPART_POST"):
        step.parts = [Part(name, value) for name, value in arguments] + files
    else:
        step.form = arguments


def _files(props: Props, texts: Texts) -> list[Part]:
    table = props.below("HTTPsampler.Files")
    found = []
    for file in table.entries("HTTPFileArgs.files") if table is not None else ():
        name, path = file.text("File.paramname"), texts.filled(props.place, file.text("File.path"), is_fixed=True)
        if not path:
            continue
        texts.noted(props.place, [f"sends the file {path}: put it beside the plan"])
        found.append(Part(name or "file", path.replace("\\", "/").rpartition("/")[2], True, file.text("File.mimetype")))
    return found
