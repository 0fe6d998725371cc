"""Commands whose work can be shared: done here, by workers that are launched, or, as one of these
workers, in part. The command says what is to be done; who does it is decided here alone.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_type_hints

import typer

from bioexp.streams import for_results

if TYPE_CHECKING:
    from bioexp.runs.tasks import Task
    from bioexp.runs.workspace import Workspace

DeviceName = Literal["auto", "cpu", "gpu", "gpu-deterministic", "tpu"]


class Call(NamedTuple):
    """The command line as it was typed; as a worker, how many tasks to take (0: any number)."""

    words: tuple[str, ...]
    take: int | None = None


class Job(NamedTuple):
    """What a command asks to be done.

    tasks(force): the work; with force what is finished is done again.
    finish(failures): what is shown once all is done; failures are those of workers, a line each.
    keep_on: whether to go on here after a task that fails; its directories say why.
    """

    workspace: Workspace
    tasks: Callable[[bool], Sequence[Task]]
    finish: Callable[[Sequence[str]], None]
    force: bool = False
    keep_on: bool = False


NOBODY = Call(())  # called from Python
_CALL = ContextVar("call", default=NOBODY)


def this_call() -> Call:
    """What was typed."""
    return _CALL.get()


def shareable(command: Callable[..., Job | None]) -> Callable[..., None]:
    """The command with --device and the options that share its work, and with its job done."""

    @wraps(command)
    def run(ctx: Any, **values: Any) -> None:  # what Typer passes is no typer.Context
        from bioexp.devices import prepare
        from bioexp.workers.launch import parse

        shared = {name: values.pop(name) for name in _OPTIONS}
        device, launch, call = shared.pop("device"), shared.pop("launch"), ctx.find_root().obj
        _CALL.set(call)
        how = parse(launch, lambda take: _worker(call, take), **shared)
        launched = how is not None and call.take is None
        where = prepare("cpu" if launched else device)
        with for_results():
            job = command(**values)
            if job is None:
                return
            say = job.workspace.say
            say(f"device: {where}{f'; that of the workers: {device}' if launched else ''}")
            _do(job, how, call)

    own = inspect.signature(command).parameters.values()
    hints = get_type_hints(command, include_extras=True)
    typed = [option.replace(annotation=hints[option.name]) for option in own]
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    parameters = [*typed, context, *_OPTIONS.values()]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in parameters}
    return run


def _do(job: Job, how: Any, call: Call) -> None:
    from bioexp.workers.launch import launch
    from bioexp.workers.share import forget, serve, share

    say, failures = job.workspace.say, []
    if call.take is not None:
        serve(job.tasks(False), call.take, say)
        return
    if how is None:
        share(job.tasks(job.force), say, keep_on=job.keep_on)
    else:
        tasks = job.tasks(False)
        if job.force:
            forget(tasks, say)

        def gather(done: Sequence[Task]) -> None:
            share(done, say, keep_on=job.keep_on)

        failures = launch(tasks, how, job.workspace.results, say, gather)
    job.finish(failures)


def _worker(call: Call, take: int) -> list[str]:
    """The command of a worker: the same again, except that what is finished stays."""
    words = [word for word in call.words if word != "--force"]
    return [sys.executable, "-P", "-m", "bioexp", "work", "--take", str(take), "--", *words]


def _options(
    device: Annotated[
        DeviceName,
        typer.Option(
            help="What computes; gpu-deterministic repeats to the same bits, and is slower."
        ),
    ] = "auto",
    launch: Annotated[
        Literal["local", "slurm"] | None,
        typer.Option(
            help="Share the work among processes of this machine, or as a Slurm array job."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Number of workers at a time."),
    ] = None,
    partition: Annotated[str | None, typer.Option(help="Slurm partition.")] = None,
    gpus: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Number of GPUs of each worker."),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="MINUTES|H:MM:SS", help="Time limit of each Slurm task."),
    ] = None,
    sbatch: Annotated[
        list[str],
        typer.Option(
            metavar="KEY=VALUE",
            help="Any other option of sbatch, such as account=lab; may be given several times.",
        ),
    ] = [],  # noqa: B006
) -> None:
    """The options that every shareable command has."""


_HINTS = get_type_hints(_options, include_extras=True)
_OPTIONS = {
    name: option.replace(annotation=_HINTS[name], kind=inspect.Parameter.KEYWORD_ONLY)
    for name, option in inspect.signature(_options).parameters.items()
}
