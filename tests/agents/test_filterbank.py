"""DRAW's filterbank against grids worked out by hand: no off-by-one, and writing is reading turned round."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from agents.filterbank import PARAMETERS, Filterbank, filterbank, gaze, read, spanning, write


def bank_of(*rows: tuple[float, float, float, float, float], patch: int, height: int, width: int) -> Filterbank:
    return filterbank(torch.tensor(rows), patch, height, width)


def test_the_grid_worked_out_by_hand() -> None:
    # B = 7 rows, A = 9 columns, N = 3, delta~ = 1/2: delta = 8 / 2 / 2 = 2; g_X = 5 * 1.2 = 6, g_Y = 4 * 0.5 = 2.
    # Means by equations 19 and 20, i - N/2 - 0.5 being -1, 0, 1: columns 4, 6, 8 and rows 0, 2, 4, counted from 1.
    narrow = 2 * math.log(0.05)
    bank = bank_of((0.2, -0.5, narrow, math.log(0.5), 0.0), patch=3, height=7, width=9)
    assert torch.allclose(bank.centre, torch.tensor([[2.0, 6.0]]))
    assert torch.allclose(bank.stride, torch.tensor([[2.0]]))
    assert torch.allclose(bank.deviation, torch.tensor([[0.05]]))
    image = torch.arange(1, 64, dtype=torch.float32).view(1, 7, 9)
    expected = torch.tensor([[[4.0, 6, 8], [13, 15, 17], [31, 33, 35]]])  # rows 1 (the border, for 0), 2 and 4
    assert torch.allclose(read(bank, image), expected, atol=1e-4)


def test_gaussians_are_those_of_equations_25_and_26() -> None:
    bank = bank_of((-0.3, 0.4, math.log(2.0), math.log(0.7), 0.0), patch=4, height=6, width=11)
    centre, stride = 6 * 0.7, 10 / 3 * 0.7
    for i in range(1, 5):
        mean = centre + (i - 4 / 2 - 0.5) * stride
        heights = [math.exp(-((a - mean) ** 2) / (2 * 2.0)) for a in range(1, 12)]
        for a in range(1, 12):
            assert bank.columns[0, i - 1, a - 1].item() == pytest.approx(heights[a - 1] / sum(heights), rel=1e-5)


@pytest.mark.parametrize("patch", [2, 3, 12])
@pytest.mark.parametrize(("height", "width"), [(28, 28), (100, 100), (9, 14)])
def test_the_grid_in_the_middle_is_symmetric(patch: int, height: int, width: int) -> None:
    bank = bank_of((0.0, 0.0, 1.0, -0.4, 0.0), patch=patch, height=height, width=width)
    assert torch.allclose(bank.centre, torch.tensor([[(height + 1) / 2, (width + 1) / 2]]))
    for filters in (bank.rows, bank.columns):
        assert torch.allclose(filters, filters.flip(1, 2), atol=1e-6)
    assert torch.allclose(gaze(bank, height, width), torch.zeros(1, 2), atol=1e-6)


def test_a_grid_that_spans_the_image_reads_its_corners_and_gazes_there() -> None:
    bank = bank_of((0.0, 0.0, 2 * math.log(0.05), 0.0, 0.0), patch=5, height=9, width=9)
    image = torch.rand(1, 9, 9)
    assert torch.allclose(read(bank, image), image[:, ::2, ::2], atol=1e-5)
    corner = bank_of((-0.8, 0.8, 0.0, 0.0, 0.0), patch=5, height=9, width=9)  # g_X = 1, g_Y = 9
    assert torch.allclose(corner.centre, torch.tensor([[9.0, 1.0]]))
    assert torch.allclose(gaze(corner, 9, 9), torch.tensor([[1.0, -1.0]]), atol=1e-6)
    outside = bank_of((-3.0, 0.0, 0.0, 0.0, 0.0), patch=5, height=9, width=9)
    assert torch.allclose(gaze(outside, 9, 9), torch.tensor([[0.0, -1.0]]), atol=1e-6)


def test_a_constant_image_is_read_as_its_value_times_the_intensity_wherever_the_grid_lies() -> None:
    parameters = torch.randn(50, PARAMETERS) * torch.tensor([3.0, 3.0, 4.0, 1.0, 1.0])
    bank = filterbank(parameters, 4, 20, 30)
    seen = read(bank, torch.full((50, 20, 30), 0.3))
    assert torch.isfinite(seen).all()
    assert torch.allclose(seen, 0.3 * parameters[:, 4].exp()[:, None, None].expand(50, 4, 4), rtol=1e-4)


def test_writing_is_the_transpose_of_reading() -> None:
    parameters = torch.randn(6, PARAMETERS) * 0.3
    bank = filterbank(parameters, 3, 8, 10)
    image, patch = torch.randn(6, 8, 10), torch.randn(6, 3, 3)
    intensity = bank.intensity[:, 0, 0]
    one, other = (read(bank, image) * patch).sum((1, 2)), (image * write(bank, patch)).sum((1, 2))
    assert torch.allclose(one / intensity, other * intensity, atol=1e-5)


def test_rows_are_down_and_columns_across() -> None:
    image = torch.zeros(1, 9, 9)
    image[0, 1, 7] = 1  # row 2, column 8, counted from 1
    bank = bank_of((0.6, -0.6, 2 * math.log(0.05), math.log(0.25), 0.0), patch=3, height=9, width=9)
    assert torch.allclose(bank.centre, torch.tensor([[2.0, 8.0]]))
    seen = read(bank, image)[0]
    assert seen[1, 1].item() == pytest.approx(1, abs=1e-5)
    assert seen.sum().item() == pytest.approx(1, abs=1e-5)
    back = write(bank, torch.nn.functional.one_hot(torch.tensor([[4]]), 9).float().view(1, 3, 3))
    assert torch.allclose(back, image, atol=1e-5)


@pytest.mark.parametrize("direction", ["read", "write"])
def test_gradients_are_those_of_small_differences(direction: str) -> None:
    chance = np.random.default_rng(0)
    parameters = torch.tensor(chance.normal(size=(2, PARAMETERS)) * 0.3, requires_grad=True)
    shape = (2, 6, 8) if direction == "read" else (2, 3, 3)
    content = torch.tensor(chance.normal(size=shape), requires_grad=True)

    def apply(parameters: Tensor, content: Tensor) -> Tensor:
        return (read if direction == "read" else write)(filterbank(parameters, 3, 6, 8), content)

    assert torch.autograd.gradcheck(apply, (parameters, content))


def test_the_spanning_grid_leaves_no_pixel_out() -> None:
    bank = filterbank(spanning(12, 100, 100)[None], 12, 100, 100)
    weight = torch.einsum("nb,ma->ba", bank.rows[0], bank.columns[0])
    assert weight.min() > 0.5 * weight.max() / 4
    assert torch.allclose(bank.stride, torch.tensor([[9.0]]))
    assert torch.allclose(bank.deviation, torch.tensor([[4.5]]))
    part = filterbank(spanning(12, 100, 100, 1 / 3)[None], 12, 100, 100)
    assert torch.allclose(part.stride, torch.tensor([[3.0]]))
    assert torch.allclose(part.deviation, torch.tensor([[1.5]]))


def test_one_filter_has_no_stride() -> None:
    with pytest.raises(ValueError, match=r"patch=1 must be at least 2"):
        bank_of((0.0, 0.0, 0.0, 0.0, 0.0), patch=1, height=5, width=5)
