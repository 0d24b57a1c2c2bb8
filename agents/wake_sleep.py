"""Wake-sleep for the gaze: Ba, Grosse, Salakhutdinov, Frey, *Learning Wake-Sleep Recurrent Attention Models*, 2015.

REINFORCE raises a bound of the label's likelihood; this raises the likelihood itself (arXiv 1509.06812, section 3).
While training, an inference network q, which knows the label, chooses the looks of several roll-outs of a scene; each
roll-out then counts by how well it fits what the policy p would have done and what the label is:

    w = p(label | looks) p(looks) / q(looks), normalised over the roll-outs of a scene
    u =                  p(looks) / q(looks), normalised likewise: the control variate, of mean zero gradient

    answer    sum w grad log p(label | looks)
    gaze      sum (w - u) grad log p(looks)
    q         sum (w - 1 / roll-outs) grad log q(looks)

What differs from the paper: q starts where p is and adds to its mean what the label tells.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Inference(nn.Module):
    """q: how far from the policy's the gaze is to be, for what is remembered and the label."""

    def __init__(self, features: int, symbols: int) -> None:
        super().__init__()
        self.symbols = symbols
        self.hidden = nn.Linear(features + symbols, 128)
        self.shift = nn.Linear(128, 2)
        nn.init.zeros_(self.shift.weight)
        nn.init.zeros_(self.shift.bias)

    def forward(self, output: Tensor, label: Tensor) -> Tensor:
        """The shift, before the policy's tanh.

        Args:
            output: The core's, (..., lanes, features).
            label: (lanes,).
        """
        told = F.one_hot(label, self.symbols).to(output.dtype).expand(*output.shape[:-1], self.symbols)
        return self.shift(F.relu(self.hidden(torch.cat([output, told], -1)))).float()


def weights(likely: Tensor, looks: Tensor, guesses: Tensor, copies: int) -> tuple[Tensor, Tensor]:
    """W and u, see above: each (scenes, copies), without gradient, summing to one for each scene.

    Args:
        likely: log p(label | looks), (lanes,), the roll-outs of a scene being neighbours.
        looks: log p(looks), (lanes,).
        guesses: log q(looks), (lanes,).
        copies: Roll-outs of a scene.
    """
    ratio = (looks - guesses).detach()
    return tuple(log.view(-1, copies).softmax(1) for log in (likely.detach() + ratio, ratio))  # type: ignore[return-value]


def loss_of(likely: Tensor, looks: Tensor, guesses: Tensor, copies: int, look_weight: float) -> tuple[Tensor, Tensor]:
    """(loss of the looks, weight of each roll-out's cross-entropy); arguments as for `weights`.

    The weights are (lanes,) with mean 1.
    """
    fits, fits_anyway = weights(likely, looks, guesses, copies)
    gaze = (fits - fits_anyway) * looks.view(-1, copies)
    guess = (fits - 1 / copies) * guesses.view(-1, copies)
    return -look_weight * (gaze + guess).sum(1).mean(), copies * fits.flatten()
