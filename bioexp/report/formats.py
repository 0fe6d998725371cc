"""How the report writes numbers, intervals and prose; the page and its Markdown twin share every
word of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

NOTHING = "–"
CODE = re.compile(r"`([^`]+)`")


def environment() -> Environment:
    """Templates with everything from configs, claims and docstrings escaped, for HTML or for
    Markdown.
    """
    templates = Environment(
        loader=PackageLoader("bioexp.report"),
        autoescape=lambda name: not (name or "").endswith(".md"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (number, estimate, accepted, prose, slug, text, cell, label, fenced)
    templates.filters |= {write.__name__: write for write in filters}
    return templates


def number(value: float | int | None, decimals: int | None = None) -> str:
    """Four significant digits, thousands whole, or so many decimals."""
    if value is None or math.isnan(value):
        return NOTHING
    whole = f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"
    return (whole if decimals is None else f"{value:.{decimals}f}").replace("-", "−")


def estimate(value: float | int | None, ends: Sequence[float | int | None] | None) -> str:
    """A value with its interval, both with the decimals that the interval's width allows: 0.875
    [0.868, 0.881].
    """
    if value is None or not ends or ends[0] is None or ends[1] is None:
        return number(value)
    low, high = ends[0], ends[1]
    half = (high - low) / 2
    decimals = max(0, min(6, 2 - math.ceil(math.log10(half)))) if 0 < half < math.inf else 4
    return f"{number(value, decimals)} [{number(low, decimals)}, {number(high, decimals)}]"


def accepted(ends: Sequence[float | int | None] | None) -> str:
    """The values that would count as reproduced, in words."""
    low, high = ends or (None, None)
    if low is not None and high is not None:
        return f"{number(low)} to {number(high)}"
    if low is not None:
        return f"at least {number(low)}"
    return "" if high is None else f"at most {number(high)}"


def prose(words: str) -> Markup:
    """Plain text as HTML: escaped, with `code` set as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(words))))


def slug(words: str) -> str:
    """An anchor's name."""
    return re.sub(r"[^\w]+", "-", str(words)).strip("-").lower()


def text(words: Any) -> str:
    """Anything as one line of Markdown that carries neither HTML nor links."""
    return (
        " ".join(str(words).split())
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("](", "]\\(")
    )


def cell(words: Any) -> str:
    """The same inside a Markdown table."""
    return text(words).replace("|", "\\|") or NOTHING


def label(words: Any) -> str:
    """The same as the text of a Markdown picture."""
    return text(words).replace("[", "(").replace("]", ")")


def fenced(code: str, language: str = "") -> str:
    """A Markdown code block, fenced by more backticks than the code has in a row; nothing for no
    code.
    """
    longest = max((len(ticks) for ticks in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code.rstrip()}\n{fence}" if code.strip() else ""
