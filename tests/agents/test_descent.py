"""A step of learning: its size over a training by hand, and that a long gradient is cut while its norm is told."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from agents.descent import cosine, descend, pull_on, warm_up


def test_the_learning_rate_rises_in_a_line_and_falls_along_a_cosine() -> None:
    assert [warm_up(k, 200) for k in (0, 1, 2, 4, 100)] == [0, 0.25, 0.5, 1, 1]
    assert warm_up(4, 200, share=0.04) == 0.5
    assert [cosine(k, 200) for k in (0, 50, 100, 200)] == pytest.approx([1, 0.5 + 0.5**1.5, 0.5, 0])


@pytest.mark.parametrize(("clip", "share"), [(1.0, 0.2), (10.0, 1.0)])
def test_a_step_goes_down_the_clipped_gradient(clip: float, share: float) -> None:
    layer = nn.Linear(2, 2, bias=False)
    nn.init.zeros_(layer.weight)
    optimizer = torch.optim.SGD(layer.parameters(), 1.0)
    assert pull_on(layer.weight) == 0
    (layer.weight * torch.tensor([[3.0, 0.0], [0.0, 4.0]])).sum().backward()
    assert (pull_on(layer.weight), pull_on(layer.weight, slice(1))) == (5, 3)
    assert descend(optimizer, 0.1, clip) == pytest.approx(5)
    wanted = -0.1 * share * torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    torch.testing.assert_close(layer.weight.detach(), wanted)
