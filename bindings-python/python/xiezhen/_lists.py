"""Lists that show themselves in a notebook."""

from __future__ import annotations

from ._xiezhen import Portrait, Style, _portraits_html, _styles_html


class Styles(list[Style]):
    """What `list_styles` returns."""

    def _repr_html_(self) -> str:
        return _styles_html(self)


class Portraits(list[Portrait]):
    """The portraits of a job."""

    def _repr_html_(self) -> str:
        return _portraits_html(self)
