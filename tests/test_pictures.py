"""What makes a picture smaller keeps its curves apart."""

import io

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bioexp.figures.canvas import COLORS, canvas, legend_colors, save
from bioexp.report.images import compact

NEAR = 32  # of 255, in each channel


def missing_colors(content: bytes) -> list[str]:
    """The colors of a picture's legends that hardly any of its pixels has."""
    with Image.open(io.BytesIO(content)) as image:
        named = image.info.get("Legend", "").split()
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)
    wanted = [[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in named]
    return [
        color
        for color, value in zip(named, wanted, strict=True)
        if (np.abs(pixels - value).max(axis=1) <= NEAR).sum() < 10
    ]


@pytest.fixture
def curves(tmp_path, monkeypatch):
    """A picture of seven thin curves with bands, in three panels, as it is drawn for the page."""
    monkeypatch.setattr("bioexp.figures.canvas.DPI", 130)
    figure, x = canvas(9.0, 3.2), np.linspace(0, 1, 200)
    for axes in figure.subplots(1, 3):
        for place, color in enumerate(COLORS):
            y = 0.3 * np.sin(3 * x * (place + 1)) + 0.2 * place
            axes.plot(x, y, color=color, linewidth=1.2, label=f"curve {place}")
            axes.fill_between(x, y - 0.05, y + 0.05, color=color, alpha=0.2)
        axes.legend(fontsize=8)
    save(figure, tmp_path / "curves.png")
    return tmp_path / "curves.png"


def test_a_picture_names_the_colors_of_its_legends(curves):
    with Image.open(curves) as image:
        assert image.info["Legend"].split() == [color.lower() for color in COLORS]
    assert legend_colors(canvas(1.0, 1.0)) == []


@pytest.mark.parametrize("widest", [None, 800])
def test_every_hue_of_a_line_plot_is_there_when_it_is_smaller(curves, widest):
    content = compact(curves, widest)
    assert len(content) < curves.stat().st_size
    assert missing_colors(content) == []


def test_few_colors_by_the_median_cut_would_lose_some_and_the_test_sees_it(curves):
    with Image.open(curves) as image:
        named, opaque = image.info["Legend"], image.convert("RGB")
    opaque.thumbnail((800, 800), Image.Resampling.LANCZOS)
    few = opaque.quantize(64, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    file, told = io.BytesIO(), PngInfo()
    told.add_text("Legend", named)
    few.save(file, "PNG", pnginfo=told)
    assert missing_colors(file.getvalue())
