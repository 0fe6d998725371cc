"""Pictures as the report carries them: inside the page, in as few bytes as look the same."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bioexp.types import UserError

if TYPE_CHECKING:
    from PIL import Image

COLORS = 256  # plots and mosaics need no more, and it halves the page
WIDE = 2.6  # from this ratio of width to height on, a picture has a row of its own


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI, with its size, so that the page does not jump, and its place on disk
    for the Markdown twin.
    """

    path: Path
    data: str
    caption: str
    width: int
    height: int

    @property
    def wide(self) -> bool:
        """Whether it has a row of its own."""
        return self.width > WIDE * self.height


def picture(path: Path, caption: str) -> Picture:
    """The picture of a file. UserError where it is none."""
    width, height = _opaque(path).size
    data = "data:image/png;base64," + base64.b64encode(compact(path)).decode()
    return Picture(path, data, caption, width, height)


def compact(path: Path, colors: int = COLORS, widest: int | None = None) -> bytes:
    """The picture as a PNG of few colors, or as it is where that is smaller; no wider than so many
    pixels.
    """
    from PIL import Image

    opaque = _opaque(path)
    whole = opaque.size
    if widest is not None:
        opaque.thumbnail((widest, widest * opaque.height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    opaque.quantize(colors, dither=Image.Dither.NONE).save(file, "PNG", optimize=widest is not None)
    if opaque.size != whole:
        return file.getvalue()
    return min(file.getvalue(), path.read_bytes(), key=len)


def _opaque(path: Path) -> Image.Image:
    """The pixels of a file on white."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            opaque = Image.new("RGB", image.size, "white")
            opaque.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for a damaged file
        raise UserError(f"{path}: is no picture ({error}); delete it and draw it again") from None
    return opaque
