"""The command line: it parses, calls one room, prints. JAX is imported by the command that needs
it, not at start-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bioexp.console import Terminal
from bioexp.jobs import Call, Job, shareable, this_call
from bioexp.types import SEEDS, UserError

if TYPE_CHECKING:
    from bioexp.experiment import Run
    from bioexp.records import AttackedExperiment, Outcome
    from bioexp.runs.workspace import Workspace

EXAMPLES = """
Train, attack and check biologically inspired neural networks: five papers, re-implemented in JAX.

\b
Examples:
  bioexp train log_net --seeds 3          train a config, by name or by path
  bioexp attack log_net --fgsm            attack what was trained
  bioexp report                           one page over everything
  bioexp reproduce log_net --dry-run      what a paper takes; without --dry-run do it
  bioexp list rules                       what there is to name in a config
"""
app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=EXAMPLES,
)


def _folder(path: Path | None) -> Path | None:
    """With the ~ of a variable, which no shell has read."""
    from bioexp.files import folder_at

    return path and folder_at(path)


Results = Annotated[
    Path,
    typer.Option(
        "--results",
        envvar="BIOEXP_RESULTS",
        callback=_folder,
        help="Folder where runs are kept.",
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="BIOEXP_DATA_DIR",
        callback=_folder,
        help="Folder with mnist/, fashion_mnist/ and cifar10/; no other place is tried then.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, everything else on stderr.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show only results and errors.")]
SomeRuns = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN",
        help="Run directories, experiments (log_net) or variants (stdp_mnist/rule=stable); without "
        "any, the newest of each experiment.",
    ),
]
RESULTS = Path("results")


@app.command()
@shareable
def train(
    configs: Annotated[
        list[str],
        typer.Argument(metavar="CONFIG", help="Configs by name (log_net) or by path."),
    ],
    changes: Annotated[
        list[str],
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change a key, such as stages.0.batch_size=64."
        ),
    ] = [],  # noqa: B006
    dataset: Annotated[
        str, typer.Option(help="Train on another dataset: short for --set dataset.name=NAME.")
    ] = "",
    seeds: Annotated[
        int | None, typer.Option(min=1, max=SEEDS, help="Train seeds 0 to N-1 together.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Train this one seed.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Train finished runs again.")] = False,
    keep_stale: Annotated[
        bool, typer.Option("--keep-stale", help="Keep runs that other code than today's made.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only show the resolved configs, what is finished, and the expected minutes.",
        ),
    ] = False,
    results: Results = RESULTS,
    data_dir: DataDir = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> Job | None:
    """Train experiments. Finished runs are kept, interrupted ones are continued."""
    from bioexp.config.configs import experiments_named
    from bioexp.config.overrides import Change
    from bioexp.config.reading import resolved
    from bioexp.runs.labels import labels
    from bioexp.runs.tasks import train_tasks
    from bioexp.runs.train import last_line, outcome
    from bioexp.show import preview, preview_lines

    terminal = Terminal(as_json, quiet)
    if seeds is not None and seed is not None:
        raise UserError("--seeds and --seed: give one of them (--seeds N is 0 to N-1)")
    numbers = [seed] if seed is not None else list(range(seeds or 1))
    other = [Change("dataset.name", dataset, f"--dataset {dataset}")] if dataset else []
    named = (experiments_named(config, [*changes, *other], data_dir) for config in configs)
    experiments = list(chain.from_iterable(named))
    workspace = _workspace(results, data_dir, terminal)
    if dry_run:
        previews = [preview(experiment, workspace, numbers) for experiment in experiments]
        terminal.show(previews, list(chain.from_iterable(map(preview_lines, previews))))
        return None
    names = labels([(experiment.folder, resolved(experiment)) for experiment in experiments])
    outcomes: dict[int, Outcome] = {}

    def ready(number: int, runs: list[Run]) -> None:
        outcomes[number] = outcome(runs, names[number])
        terminal.say(", ".join(outcomes[number].runs))
        terminal.show(None if as_json else outcomes[number], [last_line(outcomes[number])])

    def finish(failures: Sequence[str]) -> None:
        if as_json:
            terminal.show([outcomes[number] for number in sorted(outcomes)])
        _refuse(failures)

    return Job(
        workspace,
        lambda force: train_tasks(
            experiments,
            workspace,
            seeds=numbers,
            force=force,
            keep_stale=keep_stale,
            progress=terminal.progress,
            ready=ready,
        ),
        finish,
        force=force,
    )


@app.command()
@shareable
def attack(
    runs: SomeRuns = [],  # noqa: B006
    fgsm: Annotated[bool, typer.Option("--fgsm", help="Attack by FGSM, with its checks.")] = False,
    pgd: Annotated[bool, typer.Option("--pgd", help="Attack by PGD, with its checks.")] = False,
    attacks: Annotated[
        str,
        typer.Option(
            metavar="NAME,...",
            help="Attacks by name, such as noise,fgsm,pgd; all for every attack there is.",
        ),
    ] = "",
    eps: Annotated[
        str,
        typer.Option(
            metavar="EPS,...",
            help="Sizes of the perturbation, such as 4/255,8/255,12/255; Euclidean lengths where "
            "all attacks asked for are in that ball.",
        ),
    ] = "",
    eps_l2: Annotated[
        str,
        typer.Option(
            "--eps-l2",
            metavar="EPS,...",
            help="Lengths of the perturbation for attacks in the Euclidean ball, such as 0.5,1.5.",
        ),
    ] = "",
    n: Annotated[
        int | None, typer.Option(min=1, help="Attack the first N test images instead of all.")
    ] = None,
    transfer_from: Annotated[
        list[str],
        typer.Option(
            "--transfer-from",
            metavar="RUN",
            help="A net, trained on the same data, whose gradient attacks by transfer follow.",
        ),
    ] = [],  # noqa: B006
    gradient: Annotated[
        Literal["true", "training"],
        typer.Option(
            help="training follows the rule's backward pass instead of the true gradient: it shows "
            "how masking looks like robustness."
        ),
    ] = "true",
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Exit with 3 when a check says not to trust a number."),
    ] = False,
    results: Results = RESULTS,
    data_dir: DataDir = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> Job | None:
    """Attack finished runs and check the attacks. Without an attack named: noise, FGSM, PGD, and
    transfer between the runs given.
    """
    from bioexp.robustness.compare import compared, unequal
    from bioexp.runs.directory import find, grouped, open_run
    from bioexp.runs.labels import labelled
    from bioexp.runs.tasks import Asked, attack_tasks
    from bioexp.show import show_comparison, show_robustness

    terminal = Terminal(as_json, quiet)
    named = [name.strip() for name in attacks.split(",") if name.strip()]
    named += ["fgsm"] * fgsm + ["pgd", "pgd_margin"] * pgd
    asked = Asked(named or None, eps or None, n, gradient, eps_l2 or None)
    for note in asked.ladder.radii.notes:
        terminal.say(note)
    opened = [open_run(path) for path in find(results, runs)]
    targets = [run for run in opened if runs or run.summary.test_loss is None]
    follow = [open_run(path) for path in find(results, transfer_from)] if transfer_from else []
    terminal.say(f"attacking {', '.join(run.name for run in targets)}")
    workspace = _workspace(results, data_dir, terminal)
    attacked: dict[int, AttackedExperiment] = {}

    def finish(failures: Sequence[str]) -> None:
        labels = labelled(grouped(targets))
        groups = dict(zip(labels, grouped(targets), strict=True))
        rows = compared(groups) if len(attacked) > 1 and runs and gradient == "true" else []
        records = [
            attacked[number].model_copy(
                update={
                    "label": labels[number],
                    "compared": tuple(row for row in rows if row.second == labels[number]),
                }
            )
            for number in sorted(attacked)
        ]
        terminal.show(records if as_json else None)
        for record in records:
            show_robustness(terminal, record)
        show_comparison(terminal, rows)
        for line in unequal(groups, rows):
            terminal.say(line)
        _refuse(failures)
        if strict and any(record.red for record in records):
            raise typer.Exit(3)

    return Job(
        workspace,
        lambda force: attack_tasks(
            targets,
            workspace,
            asked,
            follow=follow,
            progress=terminal.percent,
            ready=attacked.__setitem__,
        ),
        finish,
    )


@app.command()
@shareable
def reproduce(
    papers: Annotated[list[str], typer.Argument(metavar="PAPER", help="Papers by name, or all.")],
    profile: Annotated[
        Literal["smoke", "laptop", "paper"],
        typer.Option(help="smoke (minutes, nothing is judged), laptop, or paper (full sizes)."),
    ] = "laptop",
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1, max=SEEDS, help="Number of seeds of everything, instead of the profile's."
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Show what changed since DIR/claims.json; exit with 3 when a reproduced row is "
            "lost.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Only show what is finished, what is to be done, and the minutes."
        ),
    ] = False,
    results: Results = RESULTS,
    data_dir: DataDir = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> Job | None:
    """Train, attack, draw and judge everything that a paper shows and claims. Finished runs are
    kept.
    """
    from bioexp.claims.changes import reference_rows
    from bioexp.claims.plan import Size, studies_named
    from bioexp.claims.reproduce import judged
    from bioexp.claims.tasks import tasks
    from bioexp.show import show_changes, show_claims, show_plan

    terminal = Terminal(as_json, quiet)
    if against and profile == "smoke":
        raise UserError(
            "--against: the profile smoke judges nothing, so there is nothing to compare; use "
            "laptop or paper"
        )
    reference = reference_rows(against) if against else None
    studies = studies_named(papers)
    size, workspace = Size(profile, seeds), _workspace(results, data_dir, terminal)
    if dry_run:
        show_plan(
            terminal, papers, size, tasks(papers, size, workspace, terminal.progress), results
        )
        return None

    def finish(failures: Sequence[str]) -> None:
        from bioexp.claims.rows import runs_of
        from bioexp.report.page import report

        outcome = judged(papers, size, workspace, terminal.progress)
        if used := runs_of(results, outcome.claims):
            page = report(used, results / "report.html", outcome.claims)
            workspace.say(f"report: {page}")
        if outcome.errors:
            workspace.say(f"all else is judged in {results / 'claims.md'}; what failed:")
            raise outcome.errors[0]
        show_claims(terminal, outcome.rows)
        if reference is None:
            terminal.show(outcome.rows if as_json else None)
        elif show_changes(terminal, reference, outcome.rows, list(studies), against):
            raise typer.Exit(3)

    return Job(
        workspace,
        lambda force: tasks(papers, size, workspace, terminal.progress),
        finish,
        keep_on=True,
    )


@app.command()
def report(
    runs: SomeRuns = [],  # noqa: B006
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The page to write instead of RESULTS/report.html."),
    ] = None,
    results: Results = RESULTS,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write one HTML page over any number of runs. Two or more that are named are compared. All is
    in the page; only more than 100 pictures stay files that it links to.
    """
    from bioexp.claims.rows import claims_of, runs_of
    from bioexp.files import folder_at, is_stream
    from bioexp.report.page import report as write
    from bioexp.runs.directory import find, open_run

    claims = [] if runs else claims_of(results)
    judged = runs_of(results, claims)
    folders = {run.path.parent for run in judged}
    others = [path for path in find(results, runs) if path.parent not in folders]
    shown = judged + [open_run(path) for path in others]
    place = folder_at(output.parent) / output.name if output else results / "report.html"
    page = write(shown, place, claims, compare=bool(runs))
    if not is_stream(page):
        Terminal(as_json, quiet).show({"report": str(page)}, [str(page)])


@app.command("list")
def list_(
    what: Annotated[
        str,
        typer.Argument(
            metavar="KIND|NAME",
            help="rules, models, attacks, datasets, papers, configs, runs, or a single name.",
        ),
    ] = "",
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """Show what there is. With a name: its options with their ranges and defaults."""
    from bioexp import catalog
    from bioexp.show import detail_lines

    terminal = Terminal(as_json)
    kinds = catalog.kinds()
    if what and what not in kinds:
        details = catalog.detail(what)
        terminal.show(details, list(chain.from_iterable(map(detail_lines, details))))
        return
    if not what:
        terminal.show({kind: catalog.rows(kind, results) for kind in kinds} if as_json else None)
    for kind in [what] if what else kinds:
        rows = catalog.rows(kind, results)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        terminal.table(rows, columns, title=kind)
        if what:
            terminal.show(rows, [] if rows else [f"no {kind} here"])


@app.command()
def data(
    action: Annotated[Literal["list", "fetch", "verify"], typer.Argument()] = "list",
    names: Annotated[
        list[str], typer.Argument(metavar="NAME", help="Datasets; without any, all.")
    ] = [],  # noqa: B006
    data_dir: DataDir = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show, download or check datasets."""
    from bioexp.datasets.inventory import fetch, list_data, verify

    terminal = Terminal(as_json, quiet)
    if action == "list":
        records = list_data(data_dir)
    elif action == "fetch":
        records = fetch(names, data_dir, terminal.say)
    else:
        records = verify(names, data_dir)
    terminal.show(records if as_json else None)
    columns = ["name", "status", "n_train", "n_test", "shape", "classes", "where"]
    terminal.table([dict(record) for record in records], columns)
    asked = ("wrong",) if action == "list" else ("wrong", "absent")
    _refuse([record["message"] for record in records if record["status"] in asked])


@app.command(hidden=True, context_settings={"ignore_unknown_options": True})
def work(
    words: list[str],
    take: Annotated[int, typer.Option(help="Number of tasks to do; 0 for any.")] = 0,
) -> None:
    """Do tasks of a command that no other worker has in hand, as one of several workers."""
    app(words, standalone_mode=False, obj=Call(tuple(words), take))


def _refuse(failures: Sequence[str]) -> None:
    if failures:
        raise UserError("\n".join(failures))


def _workspace(results: Path, data_dir: Path | None, terminal: Terminal) -> Workspace:
    from bioexp.runs.workspace import Workspace

    return Workspace(results, data_dir, this_call().words, terminal.say)
