"""Pictures as the report carries them: inside the page, in as few bytes as look the same, or, where
they would make it too large, as files that it links to.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from bioexp.files import write_atomically, writing
from bioexp.types import UserError

if TYPE_CHECKING:
    from typing import BinaryIO

    from PIL import Image

COLORS = 256  # plots and mosaics need no more, and it halves the page
KEPT = "Legend"  # what is written in a picture and told on: see figures.canvas.save
WIDE = 2.6  # from this ratio of width to height on, a picture has a row of its own
INLINE, INLINE_BYTES = 100, 8_000_000  # pictures that a page holds itself: they take some seconds
OURS = re.compile(r".*-[0-9a-f]{12}\.png")  # names of files that a page left beside it


@dataclass(frozen=True)
class Picture:
    """A picture's place on disk, with its size, so that the page does not jump."""

    path: Path
    caption: str
    width: int
    height: int

    @property
    def wide(self) -> bool:
        """Whether it has a row of its own."""
        return self.width > WIDE * self.height


def picture(path: Path, caption: str) -> Picture:
    """The picture of a file, whose pixels nobody looks at yet. UserError where it is none."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            width, height = image.size
            image.verify()
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for a damaged file
        raise _no_picture(path, error) from None
    return Picture(path, caption, width, height)


def is_small(pictures: Collection[Path]) -> bool:
    """Whether a page can hold all of these itself."""
    size = sum(path.stat().st_size for path in pictures)
    return len(pictures) <= INLINE and size <= INLINE_BYTES


def inlined(path: Path) -> str:
    """A picture as a data URI."""
    return "data:image/png;base64," + base64.b64encode(compact(path)).decode()


def linked(pictures: Sequence[Path], page: Path) -> dict[Path, Path]:
    """Files that a page can link to: the pictures, where all lie in its folder or below, and so
    move with it; otherwise copies beside the page, in <page>_files. A copy's name tells its
    content: what the page of before shows stays as it is.
    """
    here = page.parent.resolve()
    if all(path.resolve().is_relative_to(here) for path in pictures):
        return {path: path for path in pictures}
    return {path: _copied(path, folder_of(page)) for path in pictures}


def folder_of(page: Path) -> Path:
    """Where a page's pictures lie, if they are copies."""
    return page.with_name(f"{page.stem}_files")


def clear(folder: Path, keep: Collection[Path]) -> None:
    """Remove what an earlier page left there and this one does not show; nothing else."""
    if not folder.is_dir():
        return
    with writing(folder):
        for file in set(folder.iterdir()) - set(keep):
            if OURS.fullmatch(file.name):
                file.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()


def link(path: Path, page: Path) -> str:
    """What a page's link to a file says."""
    return quote(Path(os.path.relpath(path, page.parent)).as_posix())


def _copied(path: Path, folder: Path) -> Path:
    content = path.read_bytes()
    copy = folder / f"{path.stem}-{hashlib.sha256(content).hexdigest()[:12]}.png"
    if not copy.is_file():
        write_atomically(copy, partial(_write, content))
    return copy


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)


def compact(path: Path, widest: int | None = None) -> bytes:
    """The picture as a PNG of 256 colors, or as it is where that is smaller; no wider than so many
    pixels. An octree keeps the hue of a thin line, which the median cut gives to its neighbor.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    opaque = _opaque(path)
    whole, told = opaque.size, PngInfo()
    if KEPT in opaque.info:
        told.add_text(KEPT, opaque.info[KEPT])
    if widest is not None:
        opaque.thumbnail((widest, widest * opaque.height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    few = opaque.quantize(COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(file, "PNG", optimize=widest is not None, pnginfo=told)
    if opaque.size != whole:
        return file.getvalue()
    return min(file.getvalue(), path.read_bytes(), key=len)


def _opaque(path: Path) -> Image.Image:
    """The pixels of a file on white."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            opaque = Image.new("RGB", image.size, "white")
            opaque.info = dict(image.info)
            opaque.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for a damaged file
        raise _no_picture(path, error) from None
    return opaque


def _no_picture(path: Path, error: Exception) -> UserError:
    return UserError(f"{path}: is no picture ({error}); delete it and draw it again")
