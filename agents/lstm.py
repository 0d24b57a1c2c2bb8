"""One step of an LSTM whose products run in half the bits while its memory keeps them all.

    memory' = sigmoid(keep + 1) * memory + sigmoid(write) * tanh(content)
    output  = sigmoid(show) * tanh(memory')

Hochreiter and Schmidhuber 1997, with a forget gate that is open at first (Gers, Schmidhuber, Cummins 2000). All of it
is one pass over memory, forward and back, where autograd makes a dozen; and tanh is Lambert's continued fraction to
its seventh term, off by 1e-4 at most, in training and evaluation alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from numba import njit
from torch import Tensor

Floats = npt.NDArray[np.float32]

_ONE, _HALF = np.float32(1), np.float32(0.5)
_N0, _N1, _N2 = np.float32(135135), np.float32(17325), np.float32(378)
_D1, _D2, _D3 = np.float32(62370), np.float32(3150), np.float32(28)


def lstm(gates: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """The next output and memory, each float32, (lanes, features).

    Args:
        gates: What a linear layer made of input and output: keep, write, content, show, (lanes, 4 x features).
        memory: float32, (lanes, features).
    """
    output, after = _Gates.apply(gates, memory)
    return output, after


class _Gates(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gates: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        ctx.precision, memory = gates.dtype, memory.contiguous()
        activations = gates.to(torch.float32, copy=True).view(len(gates), 4, -1)
        after, through, output = (torch.empty_like(memory) for _ in range(3))
        _forward(*(array.numpy() for array in (activations, memory, after, through, output)))
        ctx.save_for_backward(activations, memory, through)
        return output, after

    @staticmethod
    def backward(ctx: Any, of_output: Tensor, of_after: Tensor) -> tuple[Tensor, Tensor]:
        activations, memory, through = ctx.saved_tensors
        of_gates, of_memory = torch.empty_like(activations), torch.empty_like(memory)
        given = (activations, memory, through, of_output.contiguous(), of_after.contiguous())
        _backward(*(array.numpy() for array in (*given, of_gates, of_memory)))
        return of_gates.flatten(1).to(ctx.precision), of_memory


@njit(inline="always")
def _tanh(x: Any) -> Any:
    y = x * x
    value = x * (_N0 + y * (_N1 + y * (_N2 + y))) / (_N0 + y * (_D1 + y * (_D2 + y * _D3)))
    return max(-_ONE, min(_ONE, value))


@njit(inline="always")
def _sigmoid(x: Any) -> Any:
    return _HALF + _HALF * _tanh(_HALF * x)


# Each loop below writes one array, so that the compiler can tell that nothing overlaps, and uses vector instructions.


@njit(cache=True, nogil=True, fastmath=True)
def _forward(gates: Floats, memory: Floats, after: Floats, through: Floats, output: Floats) -> None:
    """The gates (lanes, 4, features) become their activations; `through` is tanh of `after`: (lanes, features)."""
    for lane in range(len(memory)):
        keep, write, content, show = gates[lane, 0], gates[lane, 1], gates[lane, 2], gates[lane, 3]
        old, new, shown, out = memory[lane], after[lane], through[lane], output[lane]
        for k in range(len(old)):
            keep[k] = _sigmoid(keep[k] + _ONE)
        for k in range(len(old)):
            write[k] = _sigmoid(write[k])
        for k in range(len(old)):
            content[k] = _tanh(content[k])
        for k in range(len(old)):
            show[k] = _sigmoid(show[k])
        for k in range(len(old)):
            new[k] = keep[k] * old[k] + write[k] * content[k]
        for k in range(len(old)):
            shown[k] = _tanh(new[k])
        for k in range(len(old)):
            out[k] = show[k] * shown[k]


@njit(cache=True, nogil=True, fastmath=True)
def _backward(
    gates: Floats,
    memory: Floats,
    through: Floats,
    of_output: Floats,
    of_after: Floats,
    pull: Floats,
    before: Floats,
) -> None:
    """From the gradients of output and memory after: `pull`, that of the gates, and `before`, of the memory."""
    for lane in range(len(memory)):
        keep, write, content, show = gates[lane, 0], gates[lane, 1], gates[lane, 2], gates[lane, 3]
        old, shown, of_out, of_new, of_old = memory[lane], through[lane], of_output[lane], of_after[lane], before[lane]
        of_keep, of_write, of_content, of_show = pull[lane, 0], pull[lane, 1], pull[lane, 2], pull[lane, 3]
        for k in range(len(old)):
            of_show[k] = of_out[k] * shown[k] * show[k] * (_ONE - show[k])
        for k in range(len(old)):  # of the memory after, over both ways
            of_old[k] = of_new[k] + of_out[k] * show[k] * (_ONE - shown[k] * shown[k])
        for k in range(len(old)):
            of_keep[k] = of_old[k] * old[k] * keep[k] * (_ONE - keep[k])
        for k in range(len(old)):
            of_write[k] = of_old[k] * content[k] * write[k] * (_ONE - write[k])
        for k in range(len(old)):
            of_content[k] = of_old[k] * write[k] * (_ONE - content[k] * content[k])
        for k in range(len(old)):
            of_old[k] *= keep[k]
