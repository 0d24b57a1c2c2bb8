from __future__ import annotations

import pytest
import torch
from torch import Tensor

from agents.lstm import lstm


def plain(gates: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    keep, write, content, show = gates.chunk(4, 1)
    memory = torch.sigmoid(keep + 1) * memory + torch.sigmoid(write) * torch.tanh(content)
    return torch.sigmoid(show) * torch.tanh(memory), memory


@pytest.mark.parametrize("features", [5, 64])  # with and without a remainder behind the vector instructions
def test_output_memory_and_gradients_are_those_of_autograd(features: int) -> None:
    torch.manual_seed(0)
    gates, memory = 3 * torch.randn(7, 4 * features), torch.randn(7, features)
    weights = torch.randn(2, 7, features)
    found = []
    for step in (plain, lstm):
        inputs = gates.clone().requires_grad_(), memory.clone().requires_grad_()
        results = step(*inputs)
        sum((weight * result).sum() for weight, result in zip(weights, results, strict=True)).backward()  # type: ignore[union-attr]
        found.append((*results, inputs[0].grad, inputs[1].grad))
    for name, wanted, got in zip(("output", "memory", "of gates", "of memory"), *found, strict=True):
        torch.testing.assert_close(got, wanted, rtol=0, atol=2e-3, msg=lambda text, name=name: f"{name}: {text}")


def test_half_the_bits_come_and_go_while_the_memory_keeps_all() -> None:
    gates = torch.randn(3, 16, dtype=torch.bfloat16, requires_grad=True)
    before = gates.detach().clone()
    output, memory = lstm(gates, torch.zeros(3, 4))
    output.sum().backward()
    assert gates.grad is not None
    assert (output.dtype, memory.dtype, gates.grad.dtype) == (torch.float32, torch.float32, torch.bfloat16)
    assert torch.equal(gates, before), "the gates that were given are not overwritten"


def test_far_out_it_saturates() -> None:
    output, memory = lstm(torch.full((1, 4), 1e4), torch.zeros(1, 1))
    torch.testing.assert_close(memory, torch.ones(1, 1), rtol=0, atol=1e-4)
    torch.testing.assert_close(output, torch.tanh(torch.ones(1, 1)), rtol=0, atol=1e-4)
