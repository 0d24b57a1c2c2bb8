"""DRAW: the bound by hand, what attention may touch, that it learns, draws, and goes on where it was killed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from agents.draw import Config, Draw, binarise, bound, train
from glimpse_env.sources import arrays
from glimpse_env.sources.images import Source

SMALL: dict[str, Any] = {"steps": 3, "features": 24, "latent": 4, "batch": 32, "read": 3, "write": 3}


def bars(count: int = 300) -> Source:
    """Images of 12x12 with a bar that stands, or lies, somewhere."""
    chance = np.random.default_rng(0)
    images, labels = np.zeros((count, 12, 12), np.uint8), chance.integers(0, 2, count)
    for image, label in zip(images, labels, strict=True):
        at = chance.integers(1, 10)
        image[tuple([slice(1, 11), slice(at, at + 2)][:: 1 - 2 * int(label)])] = 255
    return arrays(images, labels)


def model_of(attention: bool, *, shape: tuple[int, int] = (12, 12), **config: Any) -> Draw:
    torch.manual_seed(0)
    return Draw(torch.full(shape, 0.25), Config(attention=attention, **{**SMALL, **config}))


@pytest.mark.parametrize("attention", [True, False])
def test_the_bound_of_a_blank_network_is_worked_out_by_hand(attention: bool) -> None:
    model = model_of(attention)
    with torch.no_grad():
        for layer in (model.posterior, model.patch):
            layer.weight.zero_()
            layer.bias.zero_()
        model.posterior.bias[:4] = torch.tensor([1.0, 0, 0, -2.0])  # means
        model.posterior.bias[4:] = torch.tensor([0.0, math.log(2), 0, 0])  # log-deviations
    image = (torch.arange(144).view(1, 12, 12) % 3 == 0).float()  # 48 pixels on, 96 off; the canvas stays at 1/4
    wrong, divergence = model(image, torch.randn(3, 1, 4))
    assert wrong.item() == pytest.approx(-48 * math.log(0.25) - 96 * math.log(0.75), rel=1e-4)
    # KL of N(m, s) from N(0, 1) is (m^2 + s^2 - 1) / 2 - log s, at each of 3 steps.
    assert divergence.item() == pytest.approx(3 * (0.5 + 2.0 + (4 - 1) / 2 - math.log(2)), rel=1e-4)


def test_the_error_image_is_what_the_canvas_lacks() -> None:
    model, seen = model_of(False), list[Tensor]()
    model.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    image = torch.rand(2, 12, 12).round()
    model(image, torch.randn(1, 2, 4))
    assert torch.allclose(seen[0][:, :144], image.flatten(1))
    assert torch.allclose(seen[0][:, 144:288], image.flatten(1) - 0.25, atol=1e-6)


def test_attention_reads_and_writes_only_where_its_grids_lie() -> None:
    model = model_of(True)
    narrow = torch.tensor([-0.6, -0.6, -2.0, -1.6, 0.0])  # a grid of 3x3 around pixel 2.6, a stride of 1.1
    with torch.no_grad():
        for grid in (model.reading, model.writing):
            grid.weight.zero_()
            grid.bias.copy_(narrow)
    image, noise = torch.rand(2, 12, 12).round(), torch.randn(3, 2, 4)
    other = image.clone()
    other[:, 7:, 7:] = 1 - other[:, 7:, 7:]
    (_, first), (_, second) = model(image, noise), model(other, noise)
    assert torch.equal(first, second)  # what lies outside the grid does not reach Q(z)
    canvases, places = model.imagine(noise)
    assert torch.allclose(canvases[:, :, 7:], torch.tensor(0.25), atol=1e-4)
    assert (canvases[-1, :, :4, :4] - 0.25).abs().max() > 1e-3
    assert torch.allclose(places[..., :2], torch.tensor(2.6))


@pytest.mark.parametrize("attention", [True, False])
def test_learns_to_code_and_to_draw_bars(attention: bool, tmp_path: Path) -> None:
    source, rows = bars(), list[dict[str, float]]()
    arguments: dict[str, Any] = {"attention": attention, "source": source, "learning_rate": 1e-2, **SMALL}
    model = train(seed=0, images=32 * 150, folder=tmp_path, log=rows.append, **arguments)
    blank = 144 * -(0.14 * math.log(0.14) + 0.86 * math.log(0.86))  # every pixel on with the mean chance
    assert rows[-1]["validation"] < 0.5 * blank
    nats, divergence = bound(model, source.split("validation").images)
    assert rows[-1]["validation"] == pytest.approx(nats.mean())
    assert divergence > 1  # z says something
    canvases, places = model.imagine(torch.randn(3, 20, 4))
    assert canvases.shape == (3, 20, 12, 12)
    assert places.shape == (3, 20, 3)
    assert canvases[-1].std(0).max() > 0.2  # not the same drawing twenty times


def test_a_pixel_is_on_as_often_as_its_grey_says() -> None:
    greys = np.array([0, 51, 204, 255], np.uint8)[:, None, None].repeat(400, 1).repeat(50, 2)
    on = binarise(greys, np.random.default_rng(0))
    assert set(on.unique().tolist()) == {0.0, 1.0}
    assert on.mean((1, 2)).tolist() == pytest.approx([0, 0.2, 0.8, 1], abs=0.01)
    assert on[0].max() == 0
    assert on[3].min() == 1


def test_the_bound_is_the_same_every_time() -> None:
    model, images = model_of(True), bars().split("test").images
    first, second, other = (bound(model, images, seed=seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_goes_on_exactly_where_it_was_killed(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"seed": 1, "images": 32 * 6, "source": bars(), **SMALL}
    rows: list[dict[str, float]] = []
    whole = train(folder=tmp_path / "whole", log=rows.append, **arguments)

    def kill_at_the_third(row: dict[str, float]) -> None:
        if row["steps"] == rows[2]["steps"]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(folder=tmp_path / "killed", log=kill_at_the_third, **arguments)
    resumed = train(folder=tmp_path / "killed", **arguments)
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(ValueError, match="other settings"):
        train(folder=tmp_path / "killed", **{**arguments, "seed": 2})


def test_drawings_are_shown_step_by_step_and_framed(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    from PIL import Image

    from agents.draw_pictures import animate, stages
    from glimpse_env.rendering import WRONG

    canvases, places = model_of(True).imagine(torch.randn(3, 4, 4))
    stages(canvases, places, tmp_path / "stages.png")
    drawn = np.asarray(Image.open(tmp_path / "stages.png"))
    assert drawn.shape == (4 * 39, 4 * 39, 3)  # 4 drawings; 3 steps and the end; 12 pixels and an edge, times 3
    framed = (drawn == np.array(WRONG)).all(2)
    assert framed[:, : 3 * 39].any()
    assert not framed[:, 3 * 39 :].any()
    end = drawn[1:36:3, 3 * 39 + 1 : 3 * 39 + 36 : 3, 0]  # of the first drawing
    assert np.abs(end - 20 - canvases[-1, 0].numpy() * 235).max() <= 1
    blank, place = torch.zeros(1, 1, 12, 12), torch.tensor([[[3.0, 7.0, 3.0]]])  # rows 2 to 4, columns 6 to 8, from 1
    stages(blank, place, tmp_path / "one.png")
    rows, columns = np.nonzero((np.asarray(Image.open(tmp_path / "one.png")) == np.array(WRONG)).all(2))
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (3, 12, 15, 24)
    animate(canvases, places, tmp_path / "drawings.gif", columns=2)
    with Image.open(tmp_path / "drawings.gif") as gif:
        assert (gif.n_frames, gif.size) == (4, (78, 78))
