"""What others have published, as data: every number with how it is known.

Labels: P read in the paper, N a third party's transcription of it, S the repository's own files, R recollection, which
is to be confirmed before it is quoted as a fact. Of RAM these are the numbers of the NIPS version, which is the harder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Label = Literal["P", "N", "S", "R"]

_RAM = "RAM (Mnih et al. 2014, NIPS)"


@dataclass(frozen=True)
class Claim:
    """One published test error.

    Attributes:
        task: Name of the task in the suite ``"records"``.
        who: The method.
        glimpses: How many; of a method that stops, the mean.
        error: In percent.
        label: How it is known, see above.
        remark: What one must know to compare with it.
    """

    task: str
    who: str
    glimpses: float
    error: float
    label: Label
    remark: str = ""


def _ram(task: str, label: Label, **errors: float) -> tuple[Claim, ...]:
    return tuple(Claim(task, _RAM, int(glimpses[1:]), error, label) for glimpses, error in errors.items())


CLAIMS: tuple[Claim, ...] = (
    *_ram("CenteredMNIST-v0", "N", _2=3.79, _3=1.51, _4=1.54, _5=1.34, _6=1.12, _7=1.07),
    Claim("CenteredMNIST-v0", "best elsewhere", 6, 0.67, "S"),
    Claim("CenteredMNIST-v0", "best elsewhere", 7, 0.85, "S"),
    Claim("CenteredMNIST-v0-stop", "Dynamic-time RAM (Li et al. 2017)", 5.2, 1.12, "S"),
    *_ram("TranslatedMNIST-v0", "N", _4=1.54, _6=1.22, _8=1.20),
    Claim("TranslatedMNIST-v0", "best elsewhere", 7, 0.92, "S"),
    Claim("TranslatedMNIST-v0", "best elsewhere", 8, 0.94, "S"),
    *_ram("CrowdedMNISTRetina-v0", "N", _4=4.96, _6=4.08, _8=4.04),
    Claim("CrowdedMNISTRetina-v0", "best elsewhere", 4, 5.15, "S", "sampled gazes"),
    Claim("CrowdedMNISTRetina-v0", "best elsewhere", 6, 3.33, "S", "sampled gazes"),
    Claim("CrowdedMNISTRetina-v0", "best elsewhere", 8, 2.63, "S", "sampled gazes"),
    Claim("CrowdedMNISTRetina-v0", "RAM, random gaze", 8, 14.4, "N"),
    *_ram("CrowdedMNISTRetina100-v0", "R", _4=9.41, _6=8.31, _8=8.11),
    Claim("CrowdedMNISTRetina100-v0", "RAM, random gaze", 8, 28.4, "R"),
    Claim("CrowdedMNISTRetina100-v0", "best elsewhere, labels only", 8, 5.9, "S"),
    Claim("CrowdedMNISTRetina100-v0", "elsewhere", 8, 2.68, "S", "number of pieces unconfirmed; mean of 10 roll-outs"),
    Claim("CrowdedMNISTRetina100-v0", "DRAW (Gregor et al. 2015)", 4, 4.18, "R", "differentiable reader"),
    Claim("CrowdedMNISTRetina100-v0", "DRAW (Gregor et al. 2015)", 8, 3.36, "N", "differentiable reader"),
    Claim(
        "CrowdedMNISTRetina100-v0", "DRAM's idea, elsewhere", 8, 1.71, "S", "24x24 context view; mean of 10 roll-outs"
    ),
)
