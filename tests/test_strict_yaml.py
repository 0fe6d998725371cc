"""YAML as people mean it."""

import pytest

from bioexp.config.strict_yaml import parse, read
from bioexp.types import UserError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1.0e-3", 1e-3),
        (".5", 0.5),
        ("12", 12),
        ("-3", -3),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("'1'", "1"),
        ("010", 10.0),
    ],
)
def test_words_mean_what_people_mean(text, value):
    found = parse(f"a: {text}", "here")[0]["a"]
    assert found == value
    assert type(found) is type(value)


def test_lines_are_those_of_the_keys():
    _, lines = parse("a: 1\nb:\n  - x\n  - c: 2\n", "here")
    assert lines[("b",)] == 2
    assert lines[("b", 1, "c")] == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "here:2: a is given twice"),
        ("a: &x [1]\nb: *x\n", "here:1: anchors and aliases"),
        ("a: [1\n", "not valid YAML"),
        ("a: !!python/object:os.system x", "tags such as"),
        ("? [1]\n: 2\n", "a key must be a word"),
        ("", "is empty"),
        ("[" * 30 + "]" * 30, "nested more than"),
    ],
)
def test_what_is_refused_is_named_with_its_line(text, message):
    with pytest.raises(UserError, match=message.replace("[", r"\[")):
        parse(text, "here")


def test_a_billion_laughs_are_refused_at_the_first():
    laughs = "a: &a [x, x]\n" + "\n".join(
        f"{b}: &{b} [*{a}, *{a}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(UserError, match="anchors"):
        parse(laughs, "here")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "is empty"),
        ("name: a".encode("utf-16"), ":1: is UTF-16 text: byte 1 is 0xff"),
        ("name: a".encode("utf-32"), ":1: is UTF-32 text: byte 1 is 0xff"),
        ("name: a".encode("utf-16-le"), ":1: byte 2 is a zero byte, as UTF-16 text holds them"),
        ("\u00fc: a".encode("utf-16-le"), ":1: byte 2 is a zero byte"),
        (b"a: b\n# \x81", ":2: is no UTF-8 text: byte 8 is 0x81; save the file as UTF-8"),
        (b"PK\x03\x04\x00\x00", ":1: byte 5 is a zero byte"),
        (
            "a: 1\nb: 2\n# Schlüssel".encode("latin-1"),
            ":3: is no UTF-8 text: byte 17 is 0xfc, which would be 'ü' in Latin-1; save the file",
        ),
        (b"# \x93quoted\x94", ":1: is no UTF-8 text: byte 3 is 0x93"),
    ],
)
def test_files_that_are_no_configs_are_named(tmp_path, content, message):
    path = tmp_path / "x.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read(path)


def test_a_mark_of_utf_8_at_the_beginning_is_no_part_of_the_text(tmp_path):
    (tmp_path / "x.yaml").write_bytes("name: ü".encode("utf-8-sig"))
    assert read(tmp_path / "x.yaml")[0] == {"name": "ü"}


def test_a_folder_is_no_config(tmp_path):
    with pytest.raises(UserError, match="is a directory"):
        read(tmp_path)
