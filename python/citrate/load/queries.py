"""Queries of journeys made from other tools' selectors and texts."""

from __future__ import annotations

import re

from citrate.load.drafts import quoted

# input[name=token], input[name="token"], meta[name='csrf'], #id, form#login input… is not simple
_SIMPLE = re.compile(
    r"""(?P<tag>[A-Za-z][A-Za-z0-9]*)?
        (?:\#(?P<id>[\w-]+))?
        (?:\[(?P<name>[\w-]+)=(?P<quote>["']?)(?P<value>[^"'\[\]]*)(?P=quote)\])?""",
    re.X,
)


# What the generator's own selectors have not: pseudo-classes, siblings (outside of brackets and quotes).
_BRACKETS = re.compile(r"""\[[^\]]*\]|"[^"]*"|'[^']*'|\\.""")


def of_selector(selector: str, attribute: str) -> str:
    """The query for an attribute (or, without one, the text) of the first element a CSS selector finds.

    The common case, an attribute of a tag that another attribute tells, is XPath, which stock hurl
    has too; others begin with "css" and have to stand in a comment.  "" when it can't be said.
    """
    selector = selector.strip()
    if not selector or re.search(r"[:+~(]", _BRACKETS.sub("", selector)):
        return ""
    found = _SIMPLE.fullmatch(selector)
    if found and attribute and (found["id"] or found["name"]) and not (found["id"] and found["name"]):
        name, value = (found["name"], found["value"]) if found["name"] else ("id", found["id"])
        path = f"string(//{found['tag'] or '*'}[@{name}='{value}']/@{attribute})"
        return f"xpath {quoted(path)}"
    return f"css {quoted(selector)}" + (f" {quoted(attribute)}" if attribute else "")


def literal(text: str) -> str:
    """A pattern that matches exactly this text, as PCRE and Rust's regex have it."""
    return re.sub(r"[\\.+*?()|\[\]{}^$]", lambda c: "\\" + c[0], text)
