"""Records of the commands as people read them in a terminal."""

from __future__ import annotations

from typing import Any

import yaml

from bioexp.attacks.eps import show_eps
from bioexp.console import Terminal
from bioexp.robustness.table import beside, by_eps, findings


def preview_lines(shown: dict[str, Any]) -> list[str]:
    """A config with every default, what of it is finished, and the minutes of the rest."""
    minutes = (
        "unknown; the config's header says"
        if shown["minutes"] is None
        else f"about {shown['minutes']:g}"
    )
    return [
        yaml.safe_dump(shown["config"], sort_keys=False, allow_unicode=True).rstrip(),
        f"# finished: {', '.join(shown['finished']) or 'none'}",
        f"# stale: {', '.join(shown['stale']) or 'none'}",
        (
            f"# to train: {', '.join(f'seed {seed}' for seed in shown['to_train']) or 'nothing'};"
            f" minutes: {minutes}"
        ),
    ]


def show_robustness(terminal: Terminal, record: dict[str, Any]) -> None:
    """Attacks down, eps across; then what the checks say, red ones first."""
    columns, rows = by_eps(record)
    about = (
        f"{record['norm']}, {record['n']:,} test images, {record['rows'][0]['interval']}, gradient:"
        f" {record['gradient_source']}"
    )
    terminal.table(rows, columns, title=f"{record['label']}: accuracy under attack ({about})")
    if l2 := beside(record):
        columns, rows = by_eps(l2)
        terminal.table(rows, columns, title="the same in the Euclidean ball")
    terminal.show(None, findings(record))


def show_comparison(terminal: Terminal, rows: list[dict[str, Any]]) -> None:
    """Robust accuracies of each experiment minus those of the first, image by image."""
    columns = ["eps", "of_first", "of_second", "difference", "low", "high", "says"]
    for first, second in dict.fromkeys((row["first"], row["second"]) for row in rows):
        shown = [row for row in rows if (row["first"], row["second"]) == (first, second)]
        about = (
            f"worst case, {shown[0]['n']:,} images and {shown[0]['seeds']} common seed(s), paired;"
            " 95 % by bootstrap over both"
        )
        cells = [
            {**row, "eps": "clean" if row["eps"] is None else show_eps(row["eps"])} for row in shown
        ]
        terminal.table(cells, columns, title=f"{second} against {first} ({about})")


def detail_lines(found: dict[str, Any]) -> list[str]:
    """What `bioexp list NAME` says of a name: kind, place, citation, words, options."""
    options = [
        f"  {option['option']}: {option['type']} (default {option['default']})"
        for option in found["options"]
    ]
    return [
        f"{found['name']} ({found['kind']}, {found['where']})",
        *([found["citation"]] if found["citation"] else []),
        "",
        found["about"],
        "",
        *(
            ["options:", *options, ""]
            if options
            else []
            if found["kind"] in ("papers", "configs")
            else ["no options", ""]
        ),
    ]
