"""Texts of pages: a small part of Markdown, and {{ variables }}.

Paragraphs, # headings, - lists, **strong**, *emphasis*, [links](https://…).  Everything else is
text.  A variable becomes an empty element that whoever shows the page fills in, so that HTML is
made once for each text and no answer of a visitor is ever read as HTML.
"""

import re
from functools import lru_cache
from html import escape

VARIABLE = re.compile(r"\{\{\s*(\w{1,100})\s*\}\}")
STRONG = re.compile(r"\*\*([^*]+)\*\*")
EMPHASIS = re.compile(r"\*([^*]+)\*")
LINK = re.compile(r"\[([^\][]+)\]\(((?:https?://|mailto:|/)[^\s()]*)\)")
HEADING = re.compile(r"(#{1,3}) +(.*)")


@lru_cache(maxsize=4096)
def to_html(text):
    """(HTML, names of the variables in it)."""
    blocks = [block for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()) if block.strip()]
    names = tuple(dict.fromkeys(VARIABLE.findall(text)))
    return "\n".join(_block(block) for block in blocks), names


@lru_cache(maxsize=4096)
def names_in(text):
    """Names of the variables in a plain text."""
    return tuple(dict.fromkeys(VARIABLE.findall(text)))


def fill(text, values):
    """A plain text with its variables."""
    return VARIABLE.sub(lambda found: values.get(found[1], ""), text)


def _block(block):
    lines = block.strip().split("\n")
    if len(lines) == 1 and (heading := HEADING.fullmatch(lines[0].strip())):
        level = len(heading[1]) + 1  # the page's title is the first
        return f"<h{level}>{_inline(heading[2])}</h{level}>"
    if all(line.lstrip().startswith("- ") for line in lines):
        return "<ul>" + "".join(f"<li>{_inline(line.lstrip()[2:])}</li>" for line in lines) + "</ul>"
    return "<p>" + "<br>".join(_inline(line) for line in lines) + "</p>"


def _inline(text):
    text = escape(text)
    text = STRONG.sub(r"<strong>\1</strong>", text)
    text = EMPHASIS.sub(r"<em>\1</em>", text)
    text = LINK.sub(r'<a href="\2">\1</a>', text)
    return VARIABLE.sub(r'<span class="variable" data-variable="\1"></span>', text)
