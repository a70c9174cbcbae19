"""What a browser gets of a page's pagelets for one user.

A pagelet is {"content_type": …, "content": …}; its texts become HTML with the values of their
variables beside them.  Conditions are decided here; a condition that fails is not fulfilled.
"""

import logging

from system import markup
from system.variables import as_text, values_of

logger = logging.getLogger(__name__)


def pagelets(data, user):
    """The pagelets a user is to see, in order."""
    shown = []
    for pagelet in data:
        draw = DRAW.get(pagelet.get("content_type"))
        drawn = draw(pagelet, user) if draw is not None else None
        if drawn is not None:
            shown.append({"content_type": pagelet["content_type"], **drawn})
    return shown


def section(text, user):
    """A text as HTML with its variables' values: {"content", "variables"}."""
    html, names = markup.to_html(text)
    return {"content": html, "variables": values_of(names, user) if names else {}}


def plain(text, user):
    """A text for mails and short messages."""
    names = markup.names_in(text)
    return markup.fill(text, values_of(names, user)) if names else text


def is_true(expression, user):
    """A condition; False when it is missing or cannot be worked out."""
    return bool(value_of(expression, user))


def value_of(expression, user):
    """What an expression gives; None when it is missing or cannot be worked out."""
    from system.expressions import Parser

    try:
        return Parser(user_obj=user).parse(expression)
    except Exception as error:
        logger.debug("expression %r: %s", expression, error)
        return None


def _text(pagelet, user):
    return section(pagelet["content"], user)


def _toggle(pagelet, user):
    return {**section(pagelet["content"], user), "button": pagelet.get("button", "More")}


def _conditionalset(pagelet, user):
    fulfilled = [section(item["content"], user) for item in pagelet["content"] if is_true(item.get("expression"), user)]
    return {"content": fulfilled} if fulfilled else None


def _expression(pagelet, user):
    """A value that is worked out for this page."""
    content = pagelet["content"]
    return {"content": {"label": content.get("label", ""), "value": as_text(value_of(content["expression"], user))}}


def _fields(pagelet, user):
    """Fields of a form, with what was answered before (never passwords)."""
    fields = []
    for field in pagelet["content"]:
        answered = None if field["field_type"] == "password" else user.data.get(field["variable_name"])
        value = field.get("value", answered)
        if isinstance(value, list) and field["field_type"] != "multipleselection":
            value = value[-1] if value else None
        fields.append({**field, "value": value})
    return {"content": fields}


def _choice(pagelet, user):
    """A set of alternatives that are shown as they are chosen."""
    content = pagelet["content"]
    alternatives = [
        {"label": item["label"], "value": item["value"], **section(item.get("content", ""), user)}
        for item in content["alternatives"]
    ]
    return {"content": {**content, "alternatives": alternatives, "value": user.data.get(content["variable_name"])}}


def _as_it_is(pagelet, user):
    return {"content": pagelet["content"]}


DRAW = {
    "text": _text,
    "toggle": _toggle,
    "toggleset": _choice,
    "togglesetmulti": _choice,
    "conditionalset": _conditionalset,
    "expression": _expression,
    "form": _fields,
    "quiz": _as_it_is,
    "image": _as_it_is,
    "video": _as_it_is,
    "audio": _as_it_is,
    "file": _as_it_is,
}
