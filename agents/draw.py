"""DRAW: an image is read, encoded, decoded and written patch by patch; trained by its variational bound.

Gregor, Danihelka, Graves, Rezende, Wierstra, *DRAW: A Recurrent Neural Network For Image Generation*, 2015 (arXiv
1502.04623). At every step, with its equations in brackets:

    error     x - sigmoid(canvas)                                               (3)
    read      two patches, of image and error, where the decoder wants them     (4, 17, 27)
    encode    an LSTM over the read and the decoder's output; z ~ Q(z | h_enc)  (5, 6)
    decode    an LSTM over z                                                    (7)
    write     canvas + a patch, again where the decoder wants it                (8, 18, 29)

The loss is the reconstruction's negative log-likelihood under the last canvas plus the divergence of every Q(z) from
the standard normal prior (9 to 12), an upper bound in nats on -log p(x). Without attention, reads and writes take in
the whole image. Images are drawn from the prior, by the decoder alone (13 to 16).

Trained on MNIST binarised anew at every presentation (a pixel is on with the chance its grey says); validation and test
sets are binarised once, from a fixed seed. So the test set is not the fixed one of Salakhutdinov and Murray 2008 which
the paper reports on, though it is made in the same way.

What differs from the paper: 8 steps and reads of 5x5, not 64 and 2x2, which would take days here; the canvas begins at
the mean image; the intensity of writing begins as large as makes up for filters whose sums are 1, without which z falls
silent before anything is drawn; Adam with warm-up and a cosine, and clipping.

    python -m agents.draw --attention
    python -m agents.draw --no-attention
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agents.descent import adam, cosine, descend, warm_up
from agents.filterbank import PARAMETERS, Filterbank, filterbank, read, spanning, write
from agents.lstm import lstm
from agents.training import Log, Row, ignore, optimise
from glimpse_env.sources import Source, load

JUDGED = 250  # images of the validation split behind each point of the curve
_SHARE = 0.7  # of the image's longer side that the grids span at first


@dataclass(frozen=True)
class Config:
    """The recipe.

    Attributes:
        attention: Read and write patches; otherwise whole images.
        steps: How often it reads and writes, T.
        read: Filters along each axis of the grid it reads by.
        write: Filters along each axis of the grid it writes by.
        features: Units of each LSTM.
        latent: Numbers in z, at every step.
        batch: Images in an update.
        learning_rate: Of Adam; rises over the first 2 % of the updates, then falls to 0 along a cosine.
        precision: ``"bfloat16"`` runs matrix products in half the bits, faster where the processor has them.
        clip: Largest norm of the gradient.
    """

    attention: bool = True
    steps: int = 8
    read: int = 5
    write: int = 5
    features: int = 256
    latent: int = 100
    batch: int = 64
    learning_rate: float = 2e-3
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    clip: float = 10.0


class State(NamedTuple):
    """Between two steps: outputs and memories of the LSTMs, each (lanes, features), and the canvas.

    Attributes:
        encoder: Output and memory.
        decoder: Output and memory.
        canvas: Log-odds of every pixel, (lanes, height, width).
    """

    encoder: tuple[Tensor, Tensor]
    decoder: tuple[Tensor, Tensor]
    canvas: Tensor


class Draw(nn.Module):
    """The networks, for images of the shape of `mean`, the training images' mean in [0, 1]."""

    def __init__(self, mean: Tensor, config: Config) -> None:
        super().__init__()
        self.config, self.shape = config, (int(mean.shape[0]), int(mean.shape[1]))
        features, pixels = config.features, mean.numel()
        seen, written = (config.read**2, config.write**2) if config.attention else (pixels, pixels)
        self.canvas = nn.Parameter(mean.clamp(0.01, 0.99).logit())
        self.begin = nn.Parameter(torch.zeros(4, features))
        self.encoder = nn.Linear(2 * seen + 2 * features, 4 * features)
        self.posterior = nn.Linear(features, 2 * config.latent)
        self.decoder = nn.Linear(config.latent + features, 4 * features)
        self.patch = nn.Linear(features, written)
        if config.attention:
            self.reading, self.writing = nn.Linear(features, PARAMETERS), nn.Linear(features, PARAMETERS)
            with torch.no_grad():
                self.reading.bias.copy_(spanning(config.read, *self.shape, _SHARE))
                self.writing.bias.copy_(spanning(config.write, *self.shape, _SHARE))
                stride = _SHARE * (max(self.shape) - 1) / (config.write - 1)
                self.writing.bias[4] = -2 * math.log(stride)  # so that a patch of ones adds about one to every pixel

    def start(self, lanes: int) -> State:
        """Before the first step."""
        first, second, third, fourth = self.begin[:, None].expand(-1, lanes, -1)
        return State((first, second), (third, fourth), self.canvas.expand(lanes, -1, -1))

    def reader(self, state: State) -> Filterbank:
        """Where it reads next."""
        with torch.autocast("cpu", enabled=False):  # in half the bits a place is less well known
            return filterbank(self.reading(state.decoder[0]), self.config.read, *self.shape)

    def writer(self, state: State) -> Filterbank:
        """Where it has just written."""
        with torch.autocast("cpu", enabled=False):
            return filterbank(self.writing(state.decoder[0]), self.config.write, *self.shape)

    def encode(self, image: Tensor, state: State) -> tuple[tuple[Tensor, Tensor], Tensor, Tensor]:
        """Read the image and the error: the encoder's next state, and mean and log-deviation of Q(z)."""
        seen = image, image - torch.sigmoid(state.canvas)
        if self.config.attention:
            bank = self.reader(state)
            seen = read(bank, seen[0]), read(bank, seen[1])
        inputs = torch.cat([*(part.flatten(1) for part in seen), state.decoder[0], state.encoder[0]], 1)
        encoder = lstm(self.encoder(inputs), state.encoder[1])
        mean, log_deviation = self.posterior(encoder[0]).float().chunk(2, 1)
        return encoder, mean, log_deviation

    def decode(self, z: Tensor, state: State) -> State:
        """Write what z says; the encoder's state stays as it is."""
        decoder = lstm(self.decoder(torch.cat([z, state.decoder[0]], 1)), state.decoder[1])
        state = state._replace(decoder=decoder)
        patch = self.patch(decoder[0])
        if self.config.attention:
            added = write(self.writer(state), patch.view(-1, self.config.write, self.config.write))
        else:
            added = patch.view(-1, *self.shape)
        return state._replace(canvas=state.canvas + added)

    def forward(self, image: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The two halves of the bound.

        Args:
            image: Of zeros and ones, float32, (lanes, height, width).
            noise: Standard normal, (steps, lanes, latent).

        Returns:
            L^x, equation 9, and L^z, equation 11, in nats, each (lanes,).
        """
        state, divergence = self.start(len(image)), torch.zeros(len(image))
        for chance in noise:
            encoder, mean, log_deviation = self.encode(image, state)
            spread = log_deviation.exp()
            state = self.decode(mean + spread * chance, state._replace(encoder=encoder))
            divergence = divergence + 0.5 * (mean.square() + spread.square() - 2 * log_deviation - 1).sum(1)
        wrong = F.binary_cross_entropy_with_logits(state.canvas, image, reduction="none")
        return wrong.sum((1, 2)), divergence

    @torch.no_grad()
    def imagine(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Draw images from the prior.

        Args:
            noise: The z of every step, standard normal, (steps, lanes, latent).

        Returns:
            The chance of every pixel after every step, (steps, lanes, height, width), and what each step wrote on: row
            and column of its middle and its side, in pixels from 1, (steps, lanes, 3); the whole image without
            attention.
        """
        state, canvases, places = self.start(noise.shape[1]), [], []
        height, width = self.shape
        for z in noise:
            state = self.decode(z, state)
            canvases.append(torch.sigmoid(state.canvas))
            place = torch.tensor([(height + 1) / 2, (width + 1) / 2, max(height, width)]).expand(len(z), -1)
            if self.config.attention:
                bank = self.writer(state)
                place = torch.cat([bank.centre, (self.config.write - 1) * bank.stride + 2 * bank.deviation], 1)
            places.append(place)
        return torch.stack(canvases), torch.stack(places)


def binarise(images: npt.NDArray[np.uint8], chance: np.random.Generator) -> Tensor:
    """Switch every pixel on with the probability its grey says: uint8 (n, height, width) -> float32 zeros and ones."""
    return torch.from_numpy((chance.integers(0, 255, images.shape, np.uint8) < images).astype(np.float32))


@torch.no_grad()
def bound(model: Draw, images: npt.NDArray[np.uint8], *, seed: int = 0) -> tuple[npt.NDArray[np.float64], float]:
    """The bound on -log p of every image, by one sample of z each.

    Args:
        model: Trained.
        images: uint8, (n, height, width); binarised here.
        seed: Of the binarisation and the samples.

    Returns:
        L in nats, float64, (n,), and the mean of L^z, its part that is the divergence.
    """
    binary, noise = binarise(images, np.random.default_rng(seed)), torch.Generator().manual_seed(seed)
    config, parts = model.config, []
    for part in binary.split(500):
        parts.append(model(part, torch.randn(config.steps, len(part), config.latent, generator=noise)))
    wrong, divergence = (torch.cat(half).double() for half in zip(*parts, strict=True))
    return (wrong + divergence).numpy(), float(divergence.mean())


def train(
    *,
    seed: int,
    images: int,
    folder: Path,
    log: Log = ignore,
    source: Source | str = "mnist",
    **config: Any,
) -> Draw:
    """Train on the training split, binarised anew every time; called again, it goes on from its checkpoint, exactly.

    Args:
        seed: Of the weights, the order of the images, their binarisation and z.
        images: How many it sees in all.
        folder: Where the checkpoint lives.
        log: Gets a row of the learning curve about a hundred times: `steps` counts images, `bound` is on those trained
            on, `validation` on a fixed binarisation of validation images.
        source: Of grey images, as `glimpse_env.sources.load` takes it.
        **config: See `Config`.

    Raises:
        DataError: If the images cannot be had.
        ValueError: If the folder holds a checkpoint made with other settings.
    """
    recipe = Config(**config)
    origin = source if isinstance(source, Source) else load(source, fallback=None)
    settings = {"source": origin.name, "seed": seed, "images": images, **asdict(recipe)}
    pixels, held_out = origin.split("train").images, origin.split("validation").images[:JUDGED]
    torch.manual_seed(seed)
    model = Draw(torch.from_numpy(pixels.mean(0, dtype=np.float32) / 255), recipe)
    optimizer = adam(model, recipe.learning_rate)
    updates = max(1, images // recipe.batch)

    def update(k: int) -> Row:
        chance = np.random.default_rng((seed, k))
        image = binarise(pixels[chance.integers(0, len(pixels), recipe.batch)], chance)
        noise = torch.randn(recipe.steps, recipe.batch, recipe.latent)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            wrong, divergence = model(image, noise)
        loss = (wrong + divergence).mean()
        optimizer.zero_grad()
        loss.backward()
        norm = descend(optimizer, recipe.learning_rate * warm_up(k, updates) * cosine(k, updates), recipe.clip)
        return {"bound": loss.item(), "divergence": divergence.mean().item(), "gradient_norm": norm}

    def judge() -> Row:
        return {"validation": float(bound(model, held_out)[0].mean())}

    title = f"DRAW {'with' if recipe.attention else 'without'} attention"
    parts, path = {"model": model, "optimizer": optimizer}, folder / "draw.pt"
    optimise(
        update, updates, recipe.batch, title=title, path=path, settings=settings, parts=parts, log=log, judge=judge
    )
    return model.eval()


def main(attention: bool = True, images: int = 2_000_000, seed: int = 0, folder: Path = Path("runs/draw")) -> None:
    """Train, then give the bound on the test split.

    Args:
        attention: Read and write patches, or whole images.
        images: How many it sees.
        seed: Of everything.
        folder: For the checkpoint; run again to go on.
    """
    torch.set_num_threads(1)
    folder = folder / ("attention" if attention else "no_attention")
    trained = train(seed=seed, images=images, folder=folder, attention=attention)
    nats, divergence = bound(trained, load("mnist", fallback=None).split("test").images)
    error = nats.std() / math.sqrt(len(nats))
    print(f"-log p <= {nats.mean():.2f} +- {error:.2f} nats on the test split, {divergence:.2f} of them divergence")


if __name__ == "__main__":
    import tyro

    tyro.cli(main, prog="python -m agents.draw")
