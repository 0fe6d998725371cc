"""The command line: it parses, calls one command, prints. JAX is imported by the command that needs
it, not at start-up.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from bioexp.console import Terminal
from bioexp.types import UserError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=(
        "Train, attack and check biologically inspired neural networks: five papers, re-implemented"
        " in JAX."
    ),
)

Results = Annotated[
    Path, typer.Option("--results", envvar="BIOEXP_RESULTS", help="Where runs are kept.")
]
DataDir = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--data-dir",
        envvar="BIOEXP_DATA_DIR",
        help="A folder with mnist/, fashion_mnist/, cifar10/; nothing else is tried then.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, everything else on stderr.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Only results and errors.")]
Device = Annotated[str, typer.Option(help="auto, cpu, gpu, gpu-deterministic or tpu.")]
LaunchOn = Annotated[
    str,
    typer.Option(
        "--launch",
        metavar="local|slurm",
        help="Share the work among processes here, or an array job.",
    ),
]
WorkersAtOnce = Annotated[Optional[int], typer.Option("--workers", help="So many at a time.")]  # noqa: UP045
Partition = Annotated[Optional[str], typer.Option("--partition", help="Of the cluster.")]  # noqa: UP045
Gpus = Annotated[Optional[int], typer.Option("--gpus", help="For each worker.")]  # noqa: UP045
Time = Annotated[Optional[str], typer.Option("--time", help="For each task: minutes, or H:MM:SS.")]  # noqa: UP045
Sbatch = Annotated[
    list[str],
    typer.Option(
        "--sbatch",
        metavar="KEY=VALUE",
        help="Anything else that Slurm is to know, such as account=lab.",
    ),
]
Take = Annotated[Optional[int], typer.Option("--take", hidden=True)]  # noqa: UP045  a worker takes so many tasks; 0 is all it finds
RESULTS = Path("results")
INTERRUPTED = 130  # what the parser makes of Ctrl-C


@app.command()
def train(
    configs: Annotated[
        list[Path],
        typer.Argument(metavar="CONFIG...", help="Experiment files, such as configs/log_net.yaml."),
    ],
    changes: Annotated[
        list[str],
        typer.Option(
            "--set", metavar="A.B=C", help="Change one key, such as stages.0.batch_size=64."
        ),
    ] = [],  # noqa: B006
    dataset: Annotated[
        str, typer.Option(help="Another dataset; the same as --set dataset.name=NAME.")
    ] = "",
    seeds: Annotated[Optional[int], typer.Option(help="Train seeds 0 to N-1 together.")] = None,  # noqa: UP045
    seed: Annotated[Optional[int], typer.Option(help="Train this one seed.")] = None,  # noqa: UP045
    device: Device = "auto",
    force: Annotated[bool, typer.Option("--force", help="Train again what is finished.")] = False,
    keep_stale: Annotated[
        bool,
        typer.Option("--keep-stale", help="Keep runs that were made by other code than today's."),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only show the resolved configs, what is finished, and the expected minutes.",
        ),
    ] = False,
    launch: LaunchOn = "",
    workers: WorkersAtOnce = None,
    partition: Partition = None,
    gpus: Gpus = None,
    time: Time = None,
    sbatch: Sbatch = [],  # noqa: B006
    take: Take = None,
    results: Results = RESULTS,
    data_dir: DataDir = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train experiments; what is finished is kept, what was interrupted goes on."""
    terminal = Terminal(as_json, quiet)
    wanted = _seeds(seeds, seed)
    where = _prepare(device, launched=bool(launch) and take is None)
    from bioexp.config.reading import load, resolved
    from bioexp.runs.labels import labels as labels_of
    from bioexp.runs.train import forget, last_line, outcome, preview, tasks
    from bioexp.workers.launch import carry_out, parse

    how = parse(launch, workers, partition, gpus, time, sbatch)
    changes = [*changes, *([f"dataset.name={dataset}"] if dataset else [])]
    experiments = [experiment for config in configs for experiment in load(config, changes)]
    if dry_run:
        from bioexp.show import preview_lines

        shown = [
            preview(experiment, results=results, seeds=wanted, data_dir=data_dir)
            for experiment in experiments
        ]
        terminal.show(shown, [line for one in shown for line in preview_lines(one)])
        return
    terminal.say(f"device: {where}")
    outcomes = {}
    labels = labels_of([(experiment.folder, resolved(experiment)) for experiment in experiments])

    def ready(number: int, runs: list[Any]) -> None:
        if take is not None:
            return  # whoever launched this worker shows what came of it
        outcomes[number] = outcome(runs) | {"label": labels[number]}
        terminal.say(", ".join(outcomes[number]["runs"]))
        terminal.show(None if as_json else outcomes[number], [last_line(outcomes[number])])

    options: dict[str, Any] = {
        "results": results,
        "seeds": wanted,
        "data_dir": data_dir,
        "keep_stale": keep_stale,
        "say": terminal.say,
    }
    again = force and take is None
    todo = tasks(
        experiments, force=again and how is None, progress=terminal.progress, ready=ready, **options
    )
    if again and how:
        forget(todo)
    failures = carry_out(todo, how, take, results, terminal.say)
    if as_json:
        terminal.show([outcomes[number] for number in sorted(outcomes)])
    _refuse(failures)


@app.command()
def attack(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN...]", help="Run directories or experiments; none: the newest of each."
        ),
    ] = None,
    fgsm: Annotated[bool, typer.Option("--fgsm", help="The FGSM row, with its checks.")] = False,
    pgd: Annotated[bool, typer.Option("--pgd", help="The PGD rows, with their checks.")] = False,
    attacks: Annotated[
        str, typer.Option(help="Attacks by name, such as noise,fgsm,pgd; all for the whole ladder.")
    ] = "",
    eps: Annotated[
        str, typer.Option(help="Sizes of the perturbation, such as 4/255,8/255,12/255.")
    ] = "",
    n: Annotated[
        Optional[int], typer.Option(help="Attack the first N test images; all of them without it.")
    ] = None,  # noqa: UP045
    transfer_from: Annotated[
        list[str],
        typer.Option(
            "--transfer-from",
            metavar="RUN",
            help="A net that attacks by transfer follow, of the same data.",
        ),
    ] = [],  # noqa: B006
    gradient: Annotated[
        str,
        typer.Option(
            help=(
                "true, or training: the backward pass of the rule, which shows how masking looks"
                " like robustness."
            )
        ),
    ] = "true",
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Exit with 3 when a check says that a number is not to be trusted."
        ),
    ] = False,
    device: Device = "auto",
    launch: LaunchOn = "",
    workers: WorkersAtOnce = None,
    partition: Partition = None,
    gpus: Gpus = None,
    time: Time = None,
    sbatch: Sbatch = [],  # noqa: B006
    take: Take = None,
    results: Results = RESULTS,
    data_dir: DataDir = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Attack finished runs, and check the attacks; no attack named: noise, FGSM, PGD, transfer
    between the runs given.
    """
    terminal = Terminal(as_json, quiet)
    if gradient not in ("true", "training"):
        raise UserError(f"--gradient: must be true or training, got {gradient!r}")
    where = _prepare(device, launched=bool(launch) and take is None)
    from bioexp.runs.attack import parse_eps
    from bioexp.runs.attack_comparison import compared, unequal
    from bioexp.runs.attack_tasks import tasks
    from bioexp.runs.directory import find, grouped, open_run
    from bioexp.runs.labels import labelled
    from bioexp.show import show_comparison, show_robustness
    from bioexp.workers.launch import carry_out, parse

    named = (
        [name.strip() for name in attacks.split(",") if name.strip()]
        + ["fgsm"] * fgsm
        + ["pgd", "pgd_margin"] * pgd
    )
    radii = parse_eps(eps) if eps else None
    opened = [open_run(path) for path in find(results, runs or [])]
    found = [run for run in opened if runs or "test_loss" not in run.summary]
    terminal.say(f"device: {where}")
    found_records: dict[int, Any] = {}
    how = parse(launch, workers, partition, gpus, time, sbatch)
    with terminal.percent() as progress:
        options: dict[str, Any] = {
            "attacks": named or None,
            "eps": radii,
            "n": n,
            "data_dir": data_dir,
            "gradient": gradient,
        }
        options["follow"] = (
            [open_run(path) for path in find(results, transfer_from)] if transfer_from else ()
        )
        todo = tasks(found, **options, progress=progress, ready=found_records.__setitem__)
        failures = carry_out(todo, how, take, results, terminal.say)
    if take is not None:
        return
    labels = labelled(grouped(found))
    records = [
        found_records[number] | {"label": labels[number]} for number in sorted(found_records)
    ]
    rows = compared(found) if len(records) > 1 and runs and gradient == "true" else []
    for record in records:
        record["compared"] = [row for row in rows if row["second"] == record["label"]]
    terminal.show(records if as_json else None)
    for record in records:
        show_robustness(terminal, record)
    show_comparison(terminal, rows)
    for line in unequal(found, rows):
        terminal.say(line)
    _refuse(failures)
    if strict and any(record["red"] for record in records):
        raise typer.Exit(3)


@app.command()
def reproduce(
    papers: Annotated[
        list[str], typer.Argument(metavar="PAPER...", help="Documents by name, or all.")
    ],
    profile: Annotated[
        str, typer.Option(help="smoke (minutes, nothing is judged), laptop, or paper (full sizes).")
    ] = "laptop",
    seeds: Annotated[
        Optional[int], typer.Option(help="So many seeds of everything, instead of the profile's.")
    ] = None,  # noqa: UP045
    against: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="DIR",
            help=(
                "Show what changed since DIR/claims.json; exit with 3 when a reproduced row is"
                " lost."
            ),
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Only show what is finished, what is to be done, and the minutes."
        ),
    ] = False,
    device: Device = "auto",
    launch: LaunchOn = "",
    workers: WorkersAtOnce = None,
    partition: Partition = None,
    gpus: Gpus = None,
    time: Time = None,
    sbatch: Sbatch = [],  # noqa: B006
    take: Take = None,
    results: Results = RESULTS,
    data_dir: DataDir = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train, attack, draw and judge everything a document shows and claims; what is finished is
    kept.
    """
    terminal = Terminal(as_json, quiet)
    _seeds(seeds, None)
    where = _prepare(device, launched=bool(launch) and take is None)
    from bioexp.claims import changes as comparison
    from bioexp.claims import reproduce as reproduction
    from bioexp.claims.plan import preview
    from bioexp.claims.tasks import tasks
    from bioexp.workers.forecast import forecast
    from bioexp.workers.launch import parse

    if against and profile == "smoke":
        raise UserError(
            "--against: the profile smoke judges nothing, so there is nothing to compare; use"
            " laptop or paper"
        )
    reference = comparison.reference_rows(against) if against else None
    how = parse(launch, workers, partition, gpus, time, sbatch)
    size: dict[str, Any] = {"profile": profile, "seeds": seeds, "results": results}
    if dry_run:
        rows = preview(papers, **size)
        terminal.show(rows if as_json else None)
        terminal.table(rows, ["experiment", "seeds", "finished", "stale", "minutes"])
        known = [row["minutes"] for row in rows if row["minutes"] is not None]
        terminal.show(
            None,
            [
                f"training and attacks: about {sum(known):.1f} minutes, and unknown ones for"
                f" {len(rows) - len(known)} experiments"
            ],
        )
        todo = tasks(
            papers, **size, data_dir=data_dir, say=terminal.say, progress=terminal.progress
        )
        terminal.show(None, forecast(todo).lines())
        return
    terminal.say(f"device: {where}")
    rows = reproduction.reproduce(
        papers,
        **size,
        data_dir=data_dir,
        say=terminal.say,
        progress=terminal.progress,
        how=how,
        take=take,
    )
    if take is not None:
        return
    terminal.table(rows, ["id", "expected", "measured", "verdict", "why"])
    counts = {
        verdict: sum(row["verdict"] == verdict for row in rows)
        for verdict in dict.fromkeys(row["verdict"] for row in rows)
    }
    terminal.show(None, [" · ".join(f"{count} {verdict}" for verdict, count in counts.items())])
    if reference is None:
        terminal.show(rows if as_json else None)
        return
    changed = comparison.changes(
        reference, rows, [paper.name for paper in reproduction.papers_named(papers).values()]
    )
    lost = [change["id"] for change in changed if change["lost"]]
    terminal.show({"claims": rows, "changes": changed} if as_json else None)
    terminal.table(
        changed,
        ["id", "before", "now", "measured_before", "measured_now"],
        title=f"changed since {against}",
    )
    terminal.show(
        None,
        [
            f"{len(changed)} rows changed, {len(lost)} reproduced ones"
            f" lost{': ' if lost else ''}{', '.join(lost)}"
        ],
    )
    if lost:
        raise typer.Exit(3)


@app.command()
def report(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN...]", help="Run directories or experiments; none: the newest of each."
        ),
    ] = None,
    output: Annotated[
        Optional[Path],
        typer.Option("-o", "--output", help="The page; RESULTS/report.html without it."),
    ] = None,  # noqa: UP045
    results: Results = RESULTS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write one self-contained HTML page over any number of runs; two or more named are compared.
    """
    from bioexp.claims.rows import claims_of, runs_of
    from bioexp.report.page import report as write
    from bioexp.runs.directory import find, open_run

    claims = [] if runs else claims_of(results)
    judged = runs_of(results, claims)
    folders = {one.path.parent for one in judged}
    found = judged + [
        open_run(path) for path in find(results, runs or []) if path.parent not in folders
    ]
    page = write(found, output or results / "report.html", claims, compare=bool(runs))
    Terminal(as_json, quiet).show({"report": str(page)}, [str(page)])


@app.command("list")
def list_(
    what: Annotated[
        str,
        typer.Argument(
            metavar="[KIND|NAME]",
            help="rules, models, attacks, datasets, papers, configs, runs, or one name.",
        ),
    ] = "",
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """Show what there is; with a name, its options, ranges and defaults."""
    from bioexp import catalog

    terminal = Terminal(as_json)
    if not what:
        terminal.show(
            {kind: catalog.rows(kind, results) for kind in catalog.kinds()} if as_json else None
        )
    for kind in [what] if what in catalog.kinds() else [] if what else catalog.kinds():
        rows = catalog.rows(kind, results)
        terminal.table(
            rows, list(dict.fromkeys(column for row in rows for column in row)), title=kind
        )
        if what:
            terminal.show(rows, [] if rows else [f"no {kind} here"])
    if what and what not in catalog.kinds():
        from bioexp.show import detail_lines

        found = catalog.detail(what)
        terminal.show(found, [line for one in found for line in detail_lines(one)])


@app.command()
def data(
    action: Annotated[str, typer.Argument(metavar="[list|fetch|verify]")] = "list",
    names: Annotated[
        Optional[list[str]], typer.Argument(metavar="[NAME...]", help="Datasets; all without it.")
    ] = None,  # noqa: UP045
    data_dir: DataDir = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show, download or check datasets."""
    from bioexp.datasets import inventory as datasets

    terminal = Terminal(as_json, quiet)
    if action not in ("list", "fetch", "verify"):
        raise UserError(f"data {action}: must be list, fetch or verify")
    if action == "list":
        records = datasets.list_data(data_dir)
    else:
        records = (
            datasets.fetch(names or [], data_dir, terminal.say)
            if action == "fetch"
            else datasets.verify(names or [], data_dir)
        )
    terminal.show(records if as_json else None)
    terminal.table(
        [dict(record) for record in records],
        ["name", "status", "n_train", "n_test", "shape", "classes", "where"],
    )
    bad = [
        record["message"]
        for record in records
        if record["status"] == "wrong" or (record["status"] == "absent" and action != "list")
    ]
    if bad:
        raise UserError("\n".join(bad))


def script() -> None:
    """The console script: main without what only costs a short command time.

    JAX and matplotlib make a hundred thousand objects that live to the end: looking through them
        for garbage, and taking
    the interpreter down piece by piece, took a quarter of `bioexp train` for one epoch. Every file
    is closed by then.
    """
    gc.set_threshold(100_000, 50, 50)
    try:
        main()
    except SystemExit as stop:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(stop.code if isinstance(stop.code, int) else 1)


def main() -> None:
    """Runs the app, turns errors into one clear message and an exit code."""
    try:
        code = app(standalone_mode=False)
    except UserError as error:
        code = _complain(str(error))
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except Exception as error:
        code = _usage(error)
    if code == INTERRUPTED:
        code = _complain("stopped; the same command again continues where it was")
    sys.stdout.flush()
    sys.exit(code if isinstance(code, int) else 0)


def _usage(error: Exception) -> int:
    """What the parser refused is shown its way (2); anything else is a bug, with all of its
    traceback (1).
    """
    show = getattr(error, "show", None)
    if show is None:
        traceback.print_exc()
        return 1
    show()
    return 2


def _refuse(failures: list[str]) -> None:
    if failures:
        raise UserError("\n".join(failures))


def _complain(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


def _prepare(device: str, *, launched: bool) -> str:
    """The device that computes here, in words: the one asked for, or the CPU where workers are to
    have that one.
    """
    from bioexp.devices import prepare

    if device not in ("auto", "cpu", "gpu", "gpu-deterministic", "tpu"):
        raise UserError(
            f"--device: must be auto, cpu, gpu, gpu-deterministic or tpu, got {device!r}"
        )
    where = prepare("cpu" if launched else device)  # type: ignore[arg-type]
    return f"{where}; that of the workers: {device}" if launched else where


def _seeds(seeds: int | None, seed: int | None) -> list[int]:
    if seeds is not None and seed is not None:
        raise UserError("--seeds and --seed: give one of them (--seeds N is 0 to N-1)")
    if seeds is not None and seeds < 1:
        raise UserError(f"--seeds: must be at least 1, got {seeds}")
    if seed is not None and not 0 <= seed < 2**32:
        raise UserError(f"--seed: must be between 0 and 4294967295, got {seed}")
    return [seed] if seed is not None else list(range(seeds or 1))
