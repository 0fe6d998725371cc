"""Where a run comes from: code, versions, device. Enough to redo it, and to tell that the code has
changed since.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bioexp.experiment import Experiment
from bioexp.pinned import environment
from bioexp.records import Device, Git, Surroundings

ROOT = Path(__file__).parent.parent


def code_digest(experiment: Experiment) -> str:
    """sha256 over the definitions that decide the experiment's numbers: the training loop, its
    rules, its model, what they use.

    Comments, docstrings, layout, and whatever these do not reach (figures, claims) do not count.
    The user's own files are part of the run's identity instead.
    """
    from bioexp.training import fit

    return digest_of(
        fit, *(choice.builder for choice in experiment.choices if choice is not experiment.dataset)
    )


def digest_of(*functions: Callable[..., Any]) -> str:
    """sha256 over the definitions of the library that these functions reach, without comments and
    docstrings.

    Of a function of the user's own it is the whole file that counts.
    """
    functions = tuple(_inner(function) for function in functions)
    waiting = [(function.__module__, function.__name__) for function in functions]
    reached: dict[tuple[str, str], str] = {}
    while waiting:
        place = waiting.pop()
        if not place[0].startswith("bioexp.") or place in reached:
            continue
        text, uses = _definition(*place)
        waiting += uses
        if text:
            reached[place] = text
    own = sorted(
        {
            inspect.getsourcefile(function) or ""
            for function in functions
            if not function.__module__.startswith("bioexp.")
        }
    )
    files = [
        hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in own if Path(file).is_file()
    ]
    return hashlib.sha256(repr([*sorted(reached.items()), *files]).encode()).hexdigest()


def _inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that a partial calls."""
    return _inner(function.func) if isinstance(function, partial) else function


@cache
def _definition(module: str, name: str) -> tuple[str, list[tuple[str, str]]]:
    """What a name of the library means, and the names this may use; "" for one that is imported, or
    is none of the module's.
    """
    node = _definitions(module).get(name)
    if node is None or isinstance(node, tuple):
        return "", [node] if node else []
    used = dict.fromkeys(
        (module, inner.id) for inner in ast.walk(node) if isinstance(inner, ast.Name)
    )
    return ast.unparse(_bare(node)), list(used)


@cache
def _definitions(module: str) -> dict[str, ast.stmt | tuple[str, str]]:
    """What each name means in a module of the library: the statement that defines it, or where it
    is imported from.
    """
    spec = importlib.util.find_spec(module)
    tree = (
        ast.parse(Path(spec.origin).read_text("utf-8"))
        if spec and spec.origin
        else ast.Module([], [])
    )
    imports = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bioexp.")
    ]
    found: dict[str, ast.stmt | tuple[str, str]] = {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in imports
        for alias in node.names
    }
    for node in tree.body:
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        found |= dict.fromkeys(
            [*names, node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else names, node
        )
    return found


def _bare(node: ast.stmt) -> ast.AST:
    """A copy without docstrings; comments are gone already."""
    tree = ast.parse(ast.unparse(node))
    for inner in ast.walk(tree):
        body = getattr(inner, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            inner.body = body[1:] or [ast.Pass()]  # type: ignore[attr-defined]
    return tree


@cache
def git_state() -> Git:
    """Commit of the library's checkout and whether it was changed since; empty outside one, also
    where the library is installed below another project's checkout.
    """
    # GIT_DIR and its like point at the checkout that the user is at work on
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*words: str) -> str | None:
        command = ["git", "-C", str(ROOT), *words]
        try:
            answer = subprocess.run(
                command, capture_output=True, text=True, timeout=10, check=False, env=own
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return answer.stdout.strip() if answer.returncode == 0 else None

    ours = git("ls-files", "--error-unmatch", "__init__.py")
    commit = git("rev-parse", "HEAD") if ours else None
    if not commit:
        return Git()
    return Git(commit=commit, dirty=bool(git("status", "--porcelain", "--untracked-files=no")))


def surroundings(command: str) -> Surroundings:
    """What made a run in this process: the command line, versions, device and peak memory."""
    import jax

    device = jax.devices()[0]
    names = ("bioexp", "jax", "jaxlib", "numpy", "optax")
    return Surroundings(
        command=command,
        git=git_state(),
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in names},
        },
        device=Device(
            kind=device.device_kind,
            platform=device.platform,
            count=jax.local_device_count(),
            machine=platform.machine(),
        ),
        precision="float32",
        environment=environment(),
        peak_memory_mb=round(_peak_bytes() / 2**20),
    )


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
