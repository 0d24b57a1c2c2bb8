"""DRAW's attention: a grid of Gaussian filters that reads a patch of an image and writes one, differentiably.

Gregor, Danihelka, Graves, Rezende, Wierstra, *DRAW: A Recurrent Neural Network For Image Generation*, 2015 (arXiv
1502.04623), section 3.2. Five numbers place N x N filters on an image of B rows and A columns: the grid's centre, its
stride, the variance of its Gaussians and an intensity. Every position counts pixels from 1, as the paper's sums do:
pixel 1 lies at 1.0, and the middle of the image at ((A + 1) / 2, (B + 1) / 2).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

#: How many numbers place a filterbank.
PARAMETERS = 5


class Filterbank(NamedTuple):
    """Filters placed on the images of some lanes.

    Attributes:
        rows: F_Y, float32, (lanes, N, height); each filter sums to 1.
        columns: F_X, float32, (lanes, N, width); each filter sums to 1.
        intensity: gamma, float32, (lanes, 1, 1).
        centre: g_Y and g_X, in pixels from 1, (lanes, 2): row, column.
        stride: delta, in pixels, (lanes, 1).
        deviation: sigma, in pixels, (lanes, 1).
    """

    rows: Tensor
    columns: Tensor
    intensity: Tensor
    centre: Tensor
    stride: Tensor
    deviation: Tensor


def filterbank(parameters: Tensor, patch: int, height: int, width: int) -> Filterbank:
    """Place the filters: equations 19 to 26.

    Args:
        parameters: g~_X, g~_Y, log sigma^2, log delta~ and log gamma (equation 21), (lanes, 5). Zeros are a grid that
            spans the image, with Gaussians as narrow as a pixel. Without autocast, as a tenth of a pixel has to count.
        patch: N, at least 2.
        height: B, of the image in pixels.
        width: A, of the image in pixels.

    Raises:
        ValueError: If the patch is smaller than 2, as a single filter has no stride.
    """
    if patch < 2:
        raise ValueError(f"patch={patch} must be at least 2: the stride is measured between filters")
    across, down, log_variance, log_stride, log_intensity = parameters.unsqueeze(2).unbind(1)  # each (lanes, 1)
    column, row = (width + 1) / 2 * (across + 1), (height + 1) / 2 * (down + 1)
    stride = (max(width, height) - 1) / (patch - 1) * log_stride.exp()
    offsets = (torch.arange(1, patch + 1, device=parameters.device) - patch / 2 - 0.5) * stride
    sharpness = (-log_variance).exp() / 2
    return Filterbank(
        rows=_filters(row + offsets, sharpness, height),
        columns=_filters(column + offsets, sharpness, width),
        intensity=log_intensity.exp()[..., None],
        centre=torch.cat([row, column], 1),
        stride=stride,
        deviation=(log_variance / 2).exp(),
    )


def _filters(means: Tensor, sharpness: Tensor, pixels: int) -> Tensor:
    """Gaussians around `means`, (lanes, N), over pixels 1, 2, ... `pixels`: (lanes, N, pixels), equations 25 and 26.

    Their sums being 1, they are a softmax over pixels, which has no underflow where a filter lies outside the image.
    Of -s (a - mu)^2 = 2 s mu a - s a^2 - s mu^2 it needs no term that is the same for all pixels; what is left is a
    matrix product, twice as fast as the passes over all pixels that the square takes.
    """
    middle = (pixels + 1) / 2  # counted from there the squares are small, and so are errors of rounding
    pixel = torch.arange(1, pixels + 1, dtype=means.dtype, device=means.device) - middle
    slopes = torch.stack([2 * sharpness * (means - middle), -sharpness.expand_as(means)], 2)
    return (slopes @ torch.stack([pixel, pixel.square()])).softmax(2)


def read(bank: Filterbank, image: Tensor) -> Tensor:
    """Equation 27, gamma F_Y x F_X^T: from (lanes, height, width) the patch (lanes, N, N)."""
    return bank.intensity * torch.bmm(torch.bmm(bank.rows, image), bank.columns.mT)


def write(bank: Filterbank, patch: Tensor) -> Tensor:
    """Equation 29, F_Y^T w F_X / gamma: from (lanes, N, N) what it adds to the canvas, (lanes, height, width)."""
    return torch.bmm(torch.bmm(bank.rows.mT, patch), bank.columns) / bank.intensity


def gaze(bank: Filterbank, height: int, width: int) -> Tensor:
    """The centre as the environments count: row and column, (lanes, 2), -1 and 1 being the outermost pixels' middles.

    A centre outside the image becomes the nearest place on its border.
    """
    last = torch.tensor([height - 1, width - 1], device=bank.centre.device)
    return ((bank.centre - 1) * 2 / last - 1).clamp(-1, 1)


def spanning(patch: int, height: int, width: int, share: float = 1.0) -> Tensor:
    """Parameters of a grid over the middle of the image, each Gaussian half a stride wide, so as to see every pixel.

    Args:
        patch: N.
        height: Of the image in pixels.
        width: Of the image in pixels.
        share: Which part of the image's longer side the grid spans, above 0.

    Returns:
        (5,), for `filterbank`.
    """
    stride = share * (max(width, height) - 1) / (patch - 1)
    return torch.tensor([0.0, 0.0, 2 * math.log(stride / 2), math.log(share), 0.0])
