"""The documentation says what the code does: tables are current, and the README's Python runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from glimpse_env import TASKS
from glimpse_env.task import Task

ROOT = Path(__file__).parent.parent


def test_the_tables_are_made_from_the_code() -> None:
    made = subprocess.run([sys.executable, "docs/make_tables.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr


def test_every_id_and_keyword_is_documented() -> None:
    page = (ROOT / "docs" / "environment.md").read_text()
    assert [name for name in Task.__dataclass_fields__ if f"| `{name}` |" not in page] == []
    readme = (ROOT / "README.md").read_text()
    assert [name for name, (_, task) in TASKS.items() if task["source"] != "digits" and f"`{name}`" not in readme] == []


def test_links_and_pictures_are_there() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("C*.md"))):
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)[^)]*\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


@pytest.mark.parametrize("page", ["README.md", "docs/environment.md"])
def test_the_python_of_a_page_runs(page: str, tmp_path: Path) -> None:
    """Every block of a page, in order, in one fresh interpreter, offline."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), flags=re.DOTALL)
    assert blocks
    done = subprocess.run(
        [sys.executable, "-W", "ignore::glimpse_env.sources.StandInWarning", "-c", "\n".join(blocks)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
