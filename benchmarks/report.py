"""Write the leaderboards: three boards as Markdown, and everything as one interactive page that needs no network.

Of the committed results the boards go into benchmarks/README.md and the page to docs/leaderboard.html; of another
folder both go into that folder. The same results give the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from benchmarks import page
from benchmarks.boards import markdown
from benchmarks.files import RESULTS, replacing
from benchmarks.score import load
from benchmarks.standings import stand
from benchmarks.suite import SUITES
from glimpse_env.sources import DataError

BEGIN = "<!-- boards: written by `python -m benchmarks report`, not by hand -->"
END = "<!-- /boards -->"

_HERE = Path(__file__).parent


def main(results: Path = RESULTS, suite: str = "leaderboard", check: bool = False) -> None:
    """Write what is out of date, or with --check only say so.

    Args:
        results: Folder of results.
        suite: leaderboard or smoke.
        check: Change nothing; the exit status is 1 if something is out of date.
    """
    console = Console(highlight=False, soft_wrap=True)
    committed = results.resolve() == RESULTS.resolve()
    readme = _HERE / "README.md" if committed else results / "README.md"
    leaderboard = _HERE.parent / "docs" / "leaderboard.html" if committed else results / "index.html"
    try:
        others = [result for name in SUITES if name not in (suite, "frontier") for result in load(name, results)]
        standings = stand(suite, load(suite, results), load("frontier", results), others)
        before = readme.read_text(encoding="utf-8") if readme.exists() else ""
        wanted = {readme: between(before, markdown(standings))}
    except ValueError as error:
        raise SystemExit(f"error: {error}") from error
    try:
        wanted[leaderboard] = page.render(page.payload(standings), page.figures(results))
    except DataError as error:  # it shows the scenes; the boards need the results alone
        if not check:
            raise SystemExit(f"error: {error}") from error
        console.print(f"not checked  {leaderboard}: {error}", markup=False)
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in wanted:
        state = "current" if path not in stale else "OUT OF DATE" if check else "written"
        console.print(f"{state}  {path} ({len(wanted[path].encode()) / 1e6:.2f} MB)", markup=False)
    if check:
        sys.exit(bool(stale))
    for path in stale:
        with replacing(path) as partial:
            partial.write_text(wanted[path], encoding="utf-8")


def between(text: str, block: str) -> str:
    """The text with `block` between the two markers, which are added at its end if it has none.

    Raises:
        ValueError: If there is one marker without the other.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if bool(begin) != bool(end) or (not begin and END in text):
        raise ValueError(f"the boards must stand between {BEGIN!r} and {END!r}, each once; put both there or neither")
    return f"{before}{BEGIN}\n\n{block.strip()}\n\n{END}{after or chr(10)}"
