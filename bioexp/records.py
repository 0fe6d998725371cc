"""What lies on disk as JSON: one typed record for each kind of file, read and written here alone;
those of claims have a file of their own, claims/records.py.

A file that is damaged, or is another's, is one message that names the file and the field. A field
that a record does not have is an error: nobody could tell what it means.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import pydantic
from pydantic import ConfigDict, Field

from bioexp.files import read_text, write_text
from bioexp.types import UserError

Number = int | float
Gradient = Literal["true", "training"]
Metrics = Mapping[str, Number]  # a line of metrics.jsonl: stage, step, epoch, train_loss …
ALWAYS = ("S3", "S9", "S10", "S11", "S12", "S13", "S14")  # read at every eps, not only at their own


class Record(pydantic.BaseModel):
    """A frozen record; values are of their types or refused, never converted."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", ser_json_inf_nan="constants"
    )


class Named(Record):
    """A thing named in a config, with its options beside the name."""

    model_config = ConfigDict(extra="allow")
    name: str

    @property
    def options(self) -> dict[str, Any]:
        """Every option, as the config says it."""
        return dict(self.model_extra or {})


class StageRecord(Record):
    """A stage of a resolved config; what is not looked at by name is kept as it is."""

    model_config = ConfigDict(extra="allow")
    rule: Named
    objective: Named
    optimizer: Named
    model: dict[str, Any] = {}


class Config(Record):
    """The resolved config of a run, config.yaml, as its readers need it."""

    model_config = ConfigDict(extra="allow")
    name: str
    dataset: Named
    model: Named
    stages: Annotated[tuple[StageRecord, ...], Field(min_length=1)]
    variant: dict[str, str] = {}


class Git(Record):
    """The checkout that a run was made by; empty outside of one."""

    commit: str = ""
    dirty: bool = False


class Device(Record):
    """What computed."""

    kind: str
    platform: str
    count: int
    machine: str


class DataRecord(Record):
    """What a run was trained on. digest: sha256 of all its examples and labels."""

    name: str
    source: str
    digest: str
    n_train: int


class Surroundings(Record):
    """The process that made a run. environment: its variables that JAX and the libraries below it
    read. peak_memory_mb: of its whole life so far.
    """

    command: str
    git: Git
    versions: dict[str, str]
    device: Device
    precision: str
    environment: dict[str, str]
    peak_memory_mb: int


class Provenance(Surroundings):
    """provenance.json: where a run comes from. Seconds are those of the whole group of seeds.

    group: the seeds trained together. finished: ISO 8601, UTC.
    code_digest: of the numerical code, so that a run of other code is told apart. config_digest: of
    the config and the user's files, as `bioexp.config.reading.config_digest` gives it.
    """

    seed: int
    dataset: DataRecord
    group: tuple[int, ...]
    wall_s: Number
    stage_s: tuple[Number, ...]
    compile_s: Number
    finished: str
    code_digest: str
    config_digest: str


class Summary(Record):
    """summary.json: the one score on the test set; of a net of several heads, of each task too.

    test_accuracy: None where the outputs are no classes; test_loss is then the score.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Number]
    test_accuracy: Number | None = None
    test_loss: Number | None = None
    n_test: int
    steps: int

    @pydantic.model_validator(mode="after")
    def _scored(self) -> Summary:
        if (self.test_accuracy is None) == (self.test_loss is None):
            raise ValueError("needs either test_accuracy or test_loss")
        return self

    @property
    def tasks(self) -> dict[str, Number]:
        """Test accuracy of each task, by its key test_accuracy_task<N>; none of a plain net."""
        extra = self.model_extra or {}
        return {key: value for key, value in extra.items() if key.startswith("test_accuracy_task")}


class AttackRow(Record):
    """Accuracy under one attack at one eps (None: clean), the ends of its 95 % interval and what
    that is over; and what may be said of the worst case.
    """

    attack: str
    eps: float | None
    accuracy: float
    n: int
    verdict: str
    low: float
    high: float
    interval: str


class Flag(Record):
    """A check's verdict: its code, what users read, the eps at which it is red (none: at all of
    them), one plain sentence.
    """

    code: str
    words: str
    state: Literal["red", "quiet", "not checked"]
    eps: tuple[float, ...]
    sentence: str

    def reads_at(self, eps: float) -> bool:
        """Whether a claim at this eps depends on the check."""
        return self.code in ALWAYS or not self.eps or eps in self.eps


class Distance(Record):
    """Length of the smallest change that deepfool found, median over images, with its interval."""

    value: float
    low: float
    high: float
    interval: str


class Robustness(Record):
    """robustness.json: how a run, or the seeds of an experiment, fared under attack.

    rows: clean, then every attack at every eps, then the minimum per image over them. l2: attacks
        in the Euclidean ball, which stand beside and not in the worst case.
    median_l2: None where deepfool was not run, or broke fewer than half of the images.
    gradient_source: "true" when the attacks followed the deployed forward pass; otherwise these
        are no robustness numbers. red: whether any check is red. wall_s: of the last call.
    """

    title: str
    norm: Literal["linf", "l2"]
    n: int
    gradient_source: Gradient
    red: bool
    rows: Annotated[tuple[AttackRow, ...], Field(min_length=1)]
    l2: tuple[AttackRow, ...] = ()
    median_l2: Distance | None = None
    flags: tuple[Flag, ...]
    wall_s: float | None = None

    @pydantic.model_validator(mode="after")
    def _clean_first(self) -> Robustness:
        attacks = (*self.rows[1:], *self.l2)
        if self.rows[0].eps is not None or any(row.eps is None for row in attacks):
            raise ValueError("rows must begin with the clean one, alone without an eps")
        return self


class Difference(Record):
    """Two experiments under the same attacks at one eps (None: clean), over the seeds both have.

    difference: of_second less of_first, mean over seeds and images, with its bootstrap interval.
    """

    first: str
    second: str
    eps: float | None
    of_first: float
    of_second: float
    difference: float
    low: float
    high: float
    n: int
    seeds: int
    says: str


class AttackedExperiment(Robustness):
    """What `bioexp attack --json` says of an experiment: its table over seeds, named.

    compared: its differences from the first experiment that was attacked with it.
    """

    experiment: str
    label: str = ""
    runs: tuple[str, ...]
    seeds: tuple[int, ...]
    dataset: str
    source: str
    compared: tuple[Difference, ...] = ()


class Printed(Record):
    """The accuracy that a paper prints, its claim's id, and the experiment that re-measures it."""

    id: str
    expected: float
    config: str


class Outcome(Record):
    """What `bioexp train --json` says of an experiment: its score over seeds, beside the paper's.

    ci95: None, None where the outputs are no classes; the score is then test_loss.
    """

    experiment: str
    label: str = ""
    dataset: str
    runs: tuple[str, ...]
    test_accuracy: float | None
    test_loss: float | None
    ci95: tuple[float | None, float | None]
    interval: str
    n_test: int
    n_seeds: int
    document: Printed | None


AnyRecord = TypeVar("AnyRecord", bound=Record)
AGAIN = "train it again with --force"  # what to do about a file of a run


def read(path: Path, kind: type[AnyRecord], remedy: str = AGAIN) -> AnyRecord:
    """The record of a JSON file; UserError with the file, the field and the remedy otherwise."""
    text = read_text(path, remedy)
    try:
        return kind.model_validate_json(text)
    except pydantic.ValidationError as error:
        raise UserError(f"{path}: {problem(error)}; {remedy}") from None


def read_list(path: Path, kind: type[AnyRecord], remedy: str) -> list[AnyRecord]:
    """The records of a JSON file that holds a list of them; UserError as `read`."""
    text = read_text(path, remedy)
    try:
        return pydantic.TypeAdapter(list[kind]).validate_json(text)  # type: ignore[valid-type]
    except pydantic.ValidationError as error:
        raise UserError(f"{path}: {problem(error)}; {remedy}") from None


def check(path: Path, kind: type[AnyRecord], content: object, remedy: str = AGAIN) -> AnyRecord:
    """The record of what was read from a YAML file; UserError as `read`."""
    try:
        return kind.model_validate_json(json.dumps(content))
    except (pydantic.ValidationError, TypeError, ValueError) as error:
        what = problem(error) if isinstance(error, pydantic.ValidationError) else str(error)
        raise UserError(f"{path}: {what}; {remedy}") from None


def write(path: Path, record: Record | Sequence[Record]) -> None:
    """A record, or a list of records, as JSON that people can read; fields without a value that
    have None as their default are left out.
    """
    write_text(path, json.dumps(content(record), indent=2, ensure_ascii=False) + "\n")


def content(record: Record | Sequence[Record]) -> Any:
    """A record as JSON holds it."""
    if not isinstance(record, Record):
        return [content(each) for each in record]
    fields = type(record).model_fields
    optional = {name for name, field in fields.items() if not field.is_required()}
    values = record.model_dump(mode="json")
    return {
        name: value for name, value in values.items() if value is not None or name not in optional
    }


METRICS = pydantic.TypeAdapter(dict[str, Number])


def read_metrics(path: Path, *, finished: bool) -> tuple[Metrics, ...]:
    """The records of metrics.jsonl; none where there is no file.

    finished: whether the run is, so that every line must be whole; otherwise what comes after the
    first line that was cut off is left out. UserError for a line that is damaged or lacks its step,
    and for a finished run without any.
    """
    records = []
    if not path.is_file():
        return ()
    for number, line in enumerate(read_text(path, AGAIN).splitlines(), 1):
        try:
            record = METRICS.validate_json(line, strict=True)
        except pydantic.ValidationError as error:
            if not finished:
                break
            raise UserError(f"{path}:{number}  {problem(error)}; {AGAIN}") from None
        if missing := {"stage", "step"} - record.keys():
            raise UserError(f"{path}:{number}  has no {min(missing)}; {AGAIN}")
        records.append(record)
    if finished and not records:
        raise UserError(f"{path}: holds no record; {AGAIN}")
    return tuple(records)


def problem(error: pydantic.ValidationError) -> str:
    """The first thing that is wrong, with the field where it stands: "rows[3].eps: …"."""
    first = error.errors(include_url=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    others = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "json_invalid":
        return f"is damaged: it is no JSON ({first['ctx']['error']})"
    return (
        f"{place.removeprefix('.') or 'the file'}:"
        f" {first['msg'][:1].lower()}{first['msg'][1:]}{others}"
    )
