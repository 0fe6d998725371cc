"""The user's own code: a file is imported as Python imports a script, with what lies beside it at
hand, and is known together with every module it needs that is not installed.

The modules of one file are seen by it alone. Runs keep copies of their code: two files may each
have their own `helper`, of another content.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib.util
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

from bioexp.types import UserError

PACKAGE = Path(__file__).parent.parent
SITES = ("site-packages", "dist-packages")


class Code(NamedTuple):
    """A file of the user's, imported. files: its content and that of the modules it needs, by where
    a run keeps them: own.py, helper.py, package/part.py.
    """

    module: ModuleType
    files: Mapping[str, bytes]


_IMPORTED: dict[Path, tuple[Mapping[str, Path], Code]] = {}  # with where its files lie


def imported(path: Path) -> Code:
    """The user's file, executed once for each content of its files. Raises UserError with file and
    line for whatever goes wrong while it is imported.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    before, code = _IMPORTED.get(path, ({}, None))
    if code and _content({**before, **needed(path)}) == code.files:
        return code
    name = f"{path.stem}_{hashlib.sha256(bytes(path)).hexdigest()[:8]}"
    room = _Room([str(path.parent)])
    loader = _Loader(name, path, room)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None  # there is a loader
    module = importlib.util.module_from_spec(spec)
    files, older = needed(path), sys.modules.get(name)
    content = _content(files)
    sys.modules[name] = room.modules[name] = module
    try:
        with room.entered(), redirect_stdout(sys.stderr):
            loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name)
        if older:
            sys.modules[name] = older
        raise UserError(f"{path}: cannot be imported: {_what(error, path)}") from error
    files = {**room.files, **files}
    code = Code(module, dict(sorted({**_content(files), **content}.items())))
    _IMPORTED[path] = files, code
    return code


def needed(path: Path) -> dict[str, Path]:
    """The file and all modules that it imports, or will import inside of its functions, directly or
    through others, and that are not installed.
    """
    roots = [str(path.parent), *sys.path]
    found, waiting = {path.name: path}, [(path, "")]
    while waiting:
        file, package = waiting.pop()
        for name in _imports(file, package):
            for module, spec in _specs(name, roots):
                place = _place(module, spec.origin)
                if spec.origin is None or place in found or is_installed(spec.origin):
                    continue
                found[place] = Path(spec.origin)
                inside = module if spec.submodule_search_locations else module.rpartition(".")[0]
                waiting.append((found[place], inside))
    return found


def digest(files: Mapping[str, bytes]) -> str:
    """sha256 over the content of these files and where a run keeps them."""
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()


@cache
def is_installed(origin: str) -> bool:
    """Whether a module's file is Python's, bioexp's or an installed package's."""
    file = Path(origin)
    if not file.is_absolute():
        return True  # built-in, frozen
    paths = sysconfig.get_paths()
    homes = [PACKAGE, *(Path(paths[name]) for name in ("stdlib", "platstdlib"))]
    return bool(set(SITES) & set(file.parts)) or any(
        file.is_relative_to(home) or file.resolve().is_relative_to(home.resolve()) for home in homes
    )


def _imports(file: Path, package: str) -> list[str]:
    """The dotted names that a file imports, and those that it may."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError):  # whoever imports it is told
        return []
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: 1 - node.level or None]
                base = ".".join(filter(None, [*above, base]))
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return [name for name in names if name]


def _specs(name: str, roots: list[str]) -> Iterator[tuple[str, ModuleSpec]]:
    """Where a module and the packages above it lie, as far as they are there."""
    search: Any = roots
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        module = ".".join(parts[:end])
        spec = PathFinder.find_spec(module, search) if search is not None else None
        if spec is None:
            return
        yield module, spec
        search = spec.submodule_search_locations


def _place(module: str, origin: str | None) -> str:
    """Where a run keeps a module's file."""
    file, folder = Path(origin or ""), module.replace(".", "/")
    return f"{folder}/{file.name}" if file.stem == "__init__" else f"{folder}{file.suffix}"


def _content(files: Mapping[str, Path]) -> dict[str, bytes]:
    return {place: file.read_bytes() if file.is_file() else b"" for place, file in files.items()}


def _what(error: BaseException, path: Path) -> str:
    """The error in words, with the line of the user's code where it happened."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not is_installed(frame.filename)]
    place = f"{own[-1].filename}:{own[-1].lineno}: " if own else ""
    return f"{place}{type(error).__name__}: {error}"


class _Room(MetaPathFinder):
    """The modules that one file of the user's sees: what is not installed is imported anew."""

    def __init__(self, roots: list[str]) -> None:
        self.roots = roots
        self.modules: dict[str, ModuleType] = {}
        self.files: dict[str, Path] = {}
        # an import inside of a function is asked of its module's own builtins
        self.builtins = {**vars(builtins), "__import__": self._import}

    @contextmanager
    def entered(self) -> Iterator[None]:
        """While code of the room imports: its modules stand in place of those that are nobody's."""
        if self in sys.meta_path:
            yield
            return
        others = _taken_out()
        sys.modules.update(self.modules)
        sys.meta_path.insert(0, self)
        try:
            yield
        finally:
            sys.meta_path.remove(self)
            self.modules = _taken_out()
            sys.modules.update(others)

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """A module that is not installed, from beside the file or from where Python looks."""
        spec = PathFinder.find_spec(fullname, [*self.roots, *sys.path] if path is None else path)
        if spec is None or spec.origin is None or is_installed(spec.origin):
            return None
        self.files[_place(fullname, spec.origin)] = Path(spec.origin)
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, Path(spec.origin), self)
        return spec

    def _import(self, name: str, *rest: Any, **options: Any) -> Any:
        with self.entered():
            return builtins.__import__(name, *rest, **options)


class _Loader(SourceFileLoader):
    """Executes a file as it is now, whatever Python kept compiled of it."""

    def __init__(self, name: str, path: Path, room: _Room) -> None:
        super().__init__(name, str(path))
        self.room = room

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.get_data(self.path), self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = self.room.builtins
        super().exec_module(module)


def _taken_out() -> dict[str, ModuleType]:
    """The modules that are not installed, which Python then no longer knows."""
    found = {name: module for name, module in list(sys.modules.items()) if _is_users(name, module)}
    for name in found:
        del sys.modules[name]
    return found


def _is_users(name: str, module: ModuleType) -> bool:
    """Whether a module is neither Python's nor installed; the program that runs is left alone."""
    spec = vars(module).get("__spec__") if isinstance(module, ModuleType) else None
    if spec is None or name == "__main__":
        return False
    places = [spec.origin] if spec.has_location else spec.submodule_search_locations or []
    return any(place is not None and not is_installed(str(place)) for place in places)
