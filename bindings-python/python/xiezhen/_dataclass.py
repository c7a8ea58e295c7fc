"""What makes a value a dataclass to those who ask: `dataclasses.asdict` and `replace`, FastAPI, Flask."""

from __future__ import annotations

# As in `errors`: type checkers know this name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MADE: dict[tuple[type, str], Any] = {}


class Fields:
    """An attribute of a dataclass, made when it is first asked for: importing `dataclasses` takes its time."""

    name = "__dataclass_fields__"

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        """Of these fields; without any, of those that the class matches by."""
        self._names = names

    def __get__(self, _instance: object, owner: type) -> Any:
        key = (owner, self.name)
        if key not in _MADE:
            from dataclasses import make_dataclass

            names: tuple[str, ...] = self._names or getattr(owner, "__match_args__", ())
            # It says of itself that it has no generated `repr`: `pprint` would look into that.
            _MADE[key] = getattr(make_dataclass(owner.__name__, names, repr=False), self.name)
        return _MADE[key]


class Params(Fields):
    name = "__dataclass_params__"
