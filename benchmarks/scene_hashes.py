"""Write `docs/scenes.md`: the hash of the first 10,000 frozen test scenes of every id.

    python -m benchmarks.scene_hashes

It needs the real MNIST. A test compares the table with what the installed code draws.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.files import replacing
from glimpse_env import TASKS
from glimpse_env.evaluation import fingerprint

SCENES = 10_000
PAGE = Path(__file__).parent.parent / "docs" / "scenes.md"
TITLE = "| id | SHA-256 |"

_TEXT = f"""# The frozen test scenes

Scene i of an id's test split is the same for everyone, for ever: it shows test image i, and its place, its clutter and
the first gaze follow from i alone. So two results on one id were made on the same episodes, whatever the seed, the
number of lanes or the number of threads. `env.reset(options={{"index": i}})` gives scene i of any split.

The hashes cover the first {SCENES:,} test scenes: the hidden canvases, their labels and the first observations, as
`glimpse_env.evaluation.fingerprint(id, scenes={SCENES})` computes them. A number that differs on your machine means
that your scores cannot be compared with those of others; please report it.

In `Words-v0` scene i shows word i of the test lexicon, modulo their number, or random letters. Its letters are drawn by
Pillow, and so by the FreeType inside Pillow's wheels, from the fonts that matplotlib ships. Pillow 10.4, 11.3 and 13.0
(FreeType 2.13.2, 2.13.3 and 2.14.3) with matplotlib 3.11 gave the same bits; `constraints.txt` has the versions of the
hash.

Written by `python -m benchmarks.scene_hashes`, and compared by `tests/test_scenes.py`.

{TITLE}
|---|---|
"""


def read() -> dict[str, str]:
    """The table of the page: id -> hash."""
    rows = PAGE.read_text().split(TITLE)[1].strip().splitlines()[1:]
    cells = ([cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows)
    return {id: digest for id, digest in cells}


def main() -> None:
    """Compute every hash and write the page.

    Raises:
        DataError: If the real MNIST cannot be had.
    """
    rows = [f"| `{id}` | `{fingerprint(id, scenes=SCENES)}` |\n" for id in TASKS]
    with replacing(PAGE) as path:
        path.write_text(_TEXT + "".join(rows))
    print(f"{len(rows)} hashes written to {PAGE}")


if __name__ == "__main__":
    main()
