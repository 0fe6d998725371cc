"""Options from signatures: the keyword-only part of a builder is its schema, its documentation and
its defaults.

    def sgd(steps: int, *, learning_rate: Positive, momentum: Fraction = 0.0)

lets YAML say `{name: sgd, learning_rate: 0.1}`, and refuses `momentum: 2`.
"""

from __future__ import annotations

import inspect
import json
import types
import typing
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

import pydantic

from bioexp.types import LARGEST, MOST

Problem = tuple[tuple[str | int, ...], str]  # where, below the node that was checked; what is wrong
SHOWN = 200  # letters of a value
STRICT = pydantic.ConfigDict(
    extra="forbid", strict=True, frozen=True, allow_inf_nan=False, validate_default=True
)


@cache
def schema(builder: Callable[..., Any]) -> type[pydantic.BaseModel]:
    """A strict pydantic model of the builder's keyword-only parameters."""
    hints = typing.get_type_hints(builder, include_extras=True)
    fields = {
        name: (
            hints.get(name, Any),
            ... if parameter.default is inspect.Parameter.empty else parameter.default,
        )
        for name, parameter in inspect.signature(builder).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    with warnings.catch_warnings():
        # an option may be called `validate`
        warnings.filterwarnings("ignore", "Field name", UserWarning)
        return pydantic.create_model(builder.__name__, __config__=STRICT, **fields)  # type: ignore[call-overload]


def check(
    model: type[pydantic.BaseModel], values: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """The values with every default filled in, and what is wrong with them; values that are wrong
    are left out.
    """
    values = tuples(values)
    try:
        return dict(model.model_validate(values)), []
    except pydantic.ValidationError as error:
        details = error.errors()
        whole = _with_whole_numbers(values, details)
        if whole is not values:
            return check(model, whole)
        wrong = {detail["loc"][0] for detail in details}
        right = {
            name: values.get(name, field.default)
            for name, field in model.model_fields.items()
            if name not in wrong
        }
        known = list(model.model_fields)
        return right, [
            _problem(detail, known, values)
            for name in dict.fromkeys(detail["loc"][0] for detail in details)
            for detail in _told([each for each in details if each["loc"][0] == name], values)
        ]


def describe(builder: Callable[..., Any]) -> list[dict[str, str]]:
    """Each option with its type, range and default, as words."""
    return [
        {
            "option": name,
            "type": type_words(field.annotation, field.metadata),
            "default": "required" if field.is_required() else json.dumps(_plain(field.default)),
        }
        for name, field in schema(builder).model_fields.items()
    ]


def suggestion(word: str, known: Iterable[str]) -> str:
    """ "; did you mean …?", or nothing when no known word is close."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def short(text: str) -> str:
    """As much of a text as a message can show."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} …"


def tuples(value: Any) -> Any:
    """Lists as tuples, all the way down: frozen records hold no lists."""
    if isinstance(value, Mapping):
        return {key: tuples(item) for key, item in value.items()}
    return tuple(tuples(item) for item in value) if isinstance(value, list | tuple) else value


def _with_whole_numbers(values: Any, details: Iterable[Any]) -> Any:
    """The values with 100 for 1e2 wherever a whole number is asked for."""
    for detail in details:
        got = detail["input"]
        is_whole = isinstance(got, float) and got.is_integer()
        if is_whole and detail["type"] in {"int_type", "int_from_float"}:
            values = _put(values, _where(detail, values), int(got))
    return values


def _put(values: Any, where: Sequence[str | int], value: int) -> Any:
    if not where:
        return value
    first, *rest = where
    if isinstance(values, Mapping):
        return {**values, first: _put(values[str(first)], rest, value)}
    return tuple(_put(item, rest, value) if i == first else item for i, item in enumerate(values))


def _problem(detail: Any, known: list[str], values: Mapping[str, Any]) -> Problem:
    where = _where(detail, values)
    got, context = _plain(detail["input"]), detail.get("ctx", {})
    shown = short(repr(got))
    match detail["type"]:
        case "extra_forbidden":
            word = str(detail["loc"][-1])
            takes = f"takes {', '.join(known)}" if known else "takes no options"
            return where, f"unknown option{suggestion(word, known)} ({takes})"
        case "missing":
            return where, "is required"
        case "greater_than_equal":
            return where, f"must be at least {_number(context['ge'])}, got {_got(got)}"
        case "greater_than":
            return where, f"must be greater than {_number(context['gt'])}, got {_got(got)}"
        case "less_than_equal":
            return where, f"must be at most {_number(context['le'])}, got {_got(got)}"
        case "literal_error":
            known = context["expected"].replace("'", "").split(" or ")
            return where, f"must be {context['expected']}, got {shown}{suggestion(str(got), known)}"
        case "int_type" | "int_from_float":
            return where, f"must be a whole number, got {shown}"
        case "float_type":
            return where, f"must be a number, got {shown}"
        case "string_type":
            return where, f"must be a word, got {shown}"
        case "bool_type":
            return where, f"must be true or false, got {shown}"
        case "tuple_type":
            return where, f"must be a list, got {shown}"
        case "dict_type" | "mapping_type":
            return where, f"must hold keys and values, got {shown}"
        case "too_long":
            return where, f"must be at most {context['max_length']:,} of them, got {len(got):,}"
        case "too_short":
            return where, "needs at least one"
        case "string_pattern_mismatch":
            return where, f"must be letters, digits, - and _, at most 64 of them, got {shown}"
        case "finite_number":
            return where, f"must be finite, got {shown}"
        case _:
            return where, f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, got {shown}"


def _where(detail: Any, values: Any) -> tuple[str | int, ...]:
    """The keys of a problem's place: what pydantic puts between them names a member of a union."""
    first, *rest = detail["loc"]
    keys, node = [first], values.get(first)
    for part in rest:
        inside = isinstance(node, Mapping) and part in node
        if inside or (isinstance(node, tuple) and isinstance(part, int) and part < len(node)):
            keys.append(part)
            node = node[part]
    return tuple(keys)


def _told(details: Sequence[Any], values: Mapping[str, Any]) -> Sequence[Any]:
    """The problems of one option without those that only say that it does not fit another member
    of its union, because it is no mapping or no number; all where nothing else is said.
    """

    def of_another(detail: Any) -> bool:
        in_union = len(_where(detail, values)) < len(detail["loc"])
        return detail["type"] in {"dict_type", "mapping_type"} or (
            in_union and isinstance(detail["input"], Mapping)
        )

    return [detail for detail in details if not of_another(detail)] or details


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _got(value: float) -> str:
    return f"{value:g}" if abs(value) > LARGEST else f"{value}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def type_words(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """A type as a user reads it: "number, at least 1"."""
    metadata = list(metadata)
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        annotation, *more = typing.get_args(annotation)
        return type_words(annotation, [*metadata, *more])
    limits = [
        f"{words} {_number(getattr(limit, key))}"
        for limit in metadata
        for key, words in _LIMITS.items()
        if hasattr(limit, key) and getattr(limit, key) not in (MOST, LARGEST)  # no choice to make
    ]
    return ", ".join([_base_words(annotation, origin), *limits])


_LIMITS = {"ge": "at least", "gt": "greater than", "le": "at most", "lt": "less than"}
_BASE = {
    int: "whole number",
    float: "number",
    str: "word",
    bool: "true or false",
    type(None): "null",
    typing.Any: "anything",
}


def _base_words(annotation: Any, origin: Any) -> str:
    arguments = typing.get_args(annotation)
    if origin is typing.Literal:
        return " | ".join(str(argument) for argument in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(type_words(argument) for argument in arguments)
    if origin is tuple:
        return f"list of {type_words(arguments[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"{type_words(arguments[1])} by {type_words(arguments[0])}"
    return _BASE.get(annotation, str(annotation))
