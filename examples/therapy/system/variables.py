"""Declared variables, as texts and engines ask for them."""

import time

from django.conf import settings
from django.utils import timezone
from users.jsontext import plain

STALE = 1.0  # seconds another process may still see the arrays as they were

_arrays = (-STALE, {})  # when they were read, and the most entries of each (0: any number)


def array_variables():
    """Array variables and how many entries they keep at most (0: all)."""
    global _arrays
    read_at, known = _arrays
    if time.monotonic() - read_at >= STALE:
        from system.models import Variable

        known = dict(Variable.objects.filter(is_array=True).values_list("name", "max_entries"))
        _arrays = (time.monotonic(), known)
    return known


def forget_array_variables(**_):
    """Receiver: a variable has changed."""
    global _arrays
    _arrays = (-STALE, {})


def reserved(name, user):
    """A name that is worked out when asked for: (True, value); else (False, None)."""
    if not any(row["name"] == name and "user" in row["domains"] for row in settings.RESERVED_VARIABLES):
        return False, None
    now = timezone.localtime()
    if name == "current_day":
        return True, now.isoweekday()
    if name == "current_time":
        return True, now.strftime("%H:%M:%S")
    if name == "current_date":
        return True, now.strftime("%Y-%m-%d")
    if name == "registered":
        return True, not user.is_anonymous
    if name == "enrolled":
        return True, is_enrolled(user)
    return True, ""


def is_enrolled(user):
    """They have a place in the programme of the session they are in."""
    from system.models import ProgramUserAccess

    session = user.data.get("session")
    if user.is_anonymous or not session:
        return False
    return ProgramUserAccess.objects.filter(user_id=user.pk, program__session__id=session).exists()


def values_of(names, user):
    """What texts show for variables: {name: text}."""
    values, missing = {}, []
    for name in names:
        is_reserved, value = reserved(name, user)
        if is_reserved:
            values[name] = as_text(value)
        elif name in user.data:
            values[name] = as_text(user.data[name])
        else:
            missing.append(name)
    if missing:
        from system.models import Variable

        found = {variable.name: variable for variable in Variable.objects.filter(name__in=missing)}
        values.update((name, as_text(found[name].get_value()) if name in found else "") for name in missing)
    return values


def as_text(value):
    """A value as people write it: whole numbers without ".0", lists with commas, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else str(value).removesuffix(".0")
    if isinstance(value, (list, tuple)):
        return ", ".join(as_text(item) for item in value)
    return plain(str(value))
