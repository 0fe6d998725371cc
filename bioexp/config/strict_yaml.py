"""YAML as people mean it, with the line of every node.

PyYAML reads YAML 1.1, where `1e-3` is a string, `no` is False, the second of two equal keys
silently wins and a few anchors fill the memory. Here numbers are numbers, only true and false are
booleans, and duplicate keys, anchors and tags are errors.
"""

import codecs
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from bioexp.files import Unreadable
from bioexp.types import UserError

# The one in C, where PyYAML was built with it, is ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 20  # levels of nesting
LARGEST = 1_000_000  # bytes
DIGITS = 30  # of a whole number
MARKS = {  # what files of other encodings begin with; the longer first
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}

_TRUE_FALSE = {"true": True, "false": False}
_NULL = {"", "~", "null"}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

Key = str | int
Lines = dict[tuple[Key, ...], int]


def read(path: Path) -> tuple[Any, Lines]:
    """The data in a file and the line of each node by its path of keys; UserError names file and
    line.
    """
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            raise UserError(f"{path}: is a directory; name a YAML file in it")
        if not stat.S_ISREG(about.st_mode):
            raise UserError(f"{path}: is a device or a pipe; name a YAML file")
        if about.st_size > LARGEST:
            raise UserError(f"{path}: {about.st_size:,} bytes is too long for a config")
        raw = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise Unreadable(path, error) from None
    return parse(_decoded(raw, path), str(path))


def _decoded(raw: bytes, path: Path) -> str:
    """The text of a UTF-8 file; UserError says which encoding others may be in, and where."""
    for mark, name in MARKS.items():
        if raw.startswith(mark):
            raise UserError(
                f"{path}:1: is {name} text: byte 1 is 0x{raw[0]:02x}, which begins its mark; save "
                "it as UTF-8"
            )
    if (zero := raw.find(b"\0")) >= 0:
        line = raw.count(b"\n", 0, zero) + 1
        raise UserError(
            f"{path}:{line}: byte {zero + 1} is a zero byte, as UTF-16 text holds them; save it as "
            "UTF-8 text"
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = raw.count(b"\n", 0, error.start) + 1, raw[error.start]
        letter = bytes([byte]).decode("cp1252", "ignore")
        guess = f", which would be {letter!r} in Latin-1" if letter else ""
        raise UserError(
            f"{path}:{line}: is no UTF-8 text: byte {error.start + 1} is 0x{byte:02x}{guess}; save "
            "the file as UTF-8"
        ) from None


def parse(text: str, where: str) -> tuple[Any, Lines]:
    """The data in a text; `where` begins every error message."""
    try:
        _refuse_extras(text, where)
        node = yaml.compose(text, LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(
            f"{where}:{line}: not valid YAML: {error.problem or error.context}"
        ) from None
    except (yaml.YAMLError, RecursionError, UnicodeEncodeError) as error:
        raise UserError(f"{where}: not valid YAML: {str(error).splitlines()[0]}") from None
    if node is None:
        raise UserError(f"{where}: is empty")
    lines: Lines = {}
    return _value(node, (), lines, where), lines


def scalar(text: str) -> Any:
    """What an unquoted word means: null, true, false, an integer, a number or the word itself."""
    if text in _NULL:
        return None
    if text in _TRUE_FALSE:
        return _TRUE_FALSE[text]
    if _INTEGER.fullmatch(text):
        return int(text.replace("_", ""))
    if _NUMBER.fullmatch(text):
        return float(text.replace("_", ""))
    return text


def _refuse_extras(text: str, where: str) -> None:
    depth = 0
    for event in yaml.parse(text, LOADER):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise UserError(
                f"{where}:{event.start_mark.line + 1}: anchors and aliases are not supported; write"
                " the value out"
            )
        if getattr(event, "tag", None):
            raise UserError(
                f"{where}:{event.start_mark.line + 1}: tags such as {event.tag} are not supported"
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(
            event, yaml.CollectionEndEvent
        )
        if depth > DEEPEST:
            raise UserError(
                f"{where}:{event.start_mark.line + 1}: nested more than {DEEPEST} levels deep"
            )


def _value(node: yaml.Node, path: tuple[Key, ...], lines: Lines, where: str) -> Any:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return dict(_items(node, path, lines, where))
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*path, i), lines, where) for i, child in enumerate(node.value)]
    if not node.style and len(node.value) > DIGITS and _INTEGER.fullmatch(node.value):
        raise UserError(
            f"{where}:{lines[path]}: a whole number has at most {DIGITS} digits, got "
            f"{len(node.value):,}"
        )
    return scalar(node.value) if not node.style else node.value


def _items(
    node: yaml.MappingNode, path: tuple[Key, ...], lines: Lines, where: str
) -> Iterator[tuple[str, Any]]:
    seen: dict[str, int] = {}
    for key, child in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise UserError(f"{where}:{line}: a key must be a word")
        if key.value in seen:
            raise UserError(
                f"{where}:{line}: {key.value} is given twice (first in line {seen[key.value]})"
            )
        seen[key.value] = line
        value = _value(child, (*path, key.value), lines, where)
        lines[(*path, key.value)] = line
        yield key.value, value
