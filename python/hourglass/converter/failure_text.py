"""Texts of exceptions that can always be sent, whatever the exception does when it is asked.

A failure is the last thing that is heard of an exception, so nothing here raises: text that UTF-8
can't hold is escaped, long text is cut in its middle (the beginning says what happened, the end
where), and an exception that can't be shown says so.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from typing import Any, cast

MEMBERS = 20
"""Members of an exception group that a stack trace shows, at every level."""
LEVELS = 5
"""Groups inside groups that a stack trace shows."""
LONGEST = 1_000_000
"""Characters after which a stack trace is not formatted further."""

_type_name: Callable[[type], str] = type.__dict__["__name__"].__get__
_cause: Callable[[BaseException], BaseException | None] = BaseException.__dict__[
    "__cause__"
].__get__
_context: Callable[[BaseException], BaseException | None] = BaseException.__dict__[
    "__context__"
].__get__
_suppresses: Callable[[BaseException], bool] = BaseException.__dict__[
    "__suppress_context__"
].__get__
_traceback: Callable[[BaseException], Any] = BaseException.__dict__["__traceback__"].__get__


def cause_of(exception: BaseException) -> BaseException | None:
    """Find what led to an exception, as Python's own traceback does."""
    cause = _cause(exception)
    if cause is not None or _suppresses(exception):
        return cause
    return _context(exception)


def type_name(exception: BaseException) -> str:
    """Name an exception's class."""
    return clean(_type_name(type(exception)))


def clean(text: str) -> str:
    """Escape what UTF-8 can't hold: lone surrogates, which come from names of files."""
    return str.encode(text, "utf-8", "backslashreplace").decode()


def cut(text: str, limit: int) -> str:
    """Cut the middle out of a text that is longer than `limit`, and say how much it was."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters cut …]\n{text[-half:]}"


def text_of(value: object) -> str:
    """Show a value, normally the exception itself, as `str` does."""
    try:
        return clean(str(value))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return f"<{_type_name(type(value))} can't be shown: {_type_name(type(error))} in __str__>"


def stack_trace(exception: BaseException) -> str:
    """Format where an exception was raised, its notes, and the members of a group."""
    try:
        text = ""
        for section in _sections(exception, LEVELS):
            text += section
            if len(text) > LONGEST:
                return clean(f"{text}[… cut …]\n")
        return clean(text)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return f"<the stack trace can't be shown: {_type_name(type(error))}>"


def _sections(exception: BaseException, levels: int) -> Iterator[str]:
    found = _traceback(exception)
    if found is not None:
        yield from traceback.format_tb(found)
    for note in _notes(exception):
        yield f"Note: {text_of(note)}\n"
    if levels:
        yield from _members(exception, levels - 1)


def _notes(exception: BaseException) -> list[object]:
    notes: Any = getattr(exception, "__notes__", None) or []
    return list(cast("list[object]", notes)) if isinstance(notes, list) else [notes]


def _members(exception: BaseException, levels: int) -> Iterator[str]:
    """Each member of a group with its own stack trace; `BaseExceptionGroup` is Python 3.11's."""
    members: Any = getattr(exception, "exceptions", None)
    if not isinstance(members, tuple):
        return
    items = cast("tuple[object, ...]", members)
    exceptions = [one for one in items if isinstance(one, BaseException)]
    for number, member in enumerate(exceptions[:MEMBERS], 1):
        yield f"Member {number} of {len(exceptions)}: {type_name(member)}: {text_of(member)}\n"
        for section in _sections(member, levels):
            yield "".join(f"  {line}" for line in section.splitlines(keepends=True))
        cause = cause_of(member)
        if cause is not None:
            yield f"  Caused by {type_name(cause)}: {text_of(cause)}\n"
    if len(exceptions) > MEMBERS:
        yield f"[… {len(exceptions) - MEMBERS} members more …]\n"
