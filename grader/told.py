"""What may be told of an error in a process that has seen hidden cases."""

import builtins


def name_of_error(name: str) -> str:
    """The name of a built-in error; "an error" for another, which could hold any text."""
    kind = getattr(builtins, name, None)
    known = isinstance(kind, type) and issubclass(kind, BaseException)
    return name if known else "an error"
