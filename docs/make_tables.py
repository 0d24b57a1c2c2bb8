"""Write the tables of README.md and docs/environment.md from the code, between their markers.

python docs/make_tables.py          writes them
python docs/make_tables.py --check  exits with 1 where one is not current
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path

from glimpse_env.registration import TASKS
from glimpse_env.task import Task

ROOT = Path(__file__).resolve().parent.parent


def ids() -> str:
    """Every id and what makes it what it is."""
    lines = ["| id | scene | retina | zooms | glimpses | stops | from |", "|---|---|---|---|---|---|---|"]
    for name, (text, task) in TASKS.items():
        if task["source"] == "digits":
            continue
        patches = len(task["scales"])
        retina = f"{task['patch']}x{task['patch']}" + (f", {patches} scales" if patches > 1 else "")
        fewest, most = task.get("count", (1, 1))
        things = "letters" if task.get("scene") == "word" else "images"
        several = "" if most == 1 else f", {most} {things}" if fewest == most else f", {fewest} to {most} {things}"
        clutter = several + (f", {task['clutter']} fragments" if task["clutter"] else "")
        zooms = ", ".join(map(str, task["zooms"])) if len(task["zooms"]) > 1 else "-"
        stops = "-"
        if task["stopping"]:
            stops = f"yes, {task['glimpse_cost']} a glimpse" if "glimpse_cost" in task else "yes"
        height, width = task["canvas"] if isinstance(task["canvas"], list) else (task["canvas"],) * 2
        scene = f"{height}x{width}{clutter}"
        lines.append(f"| `{name}` | {scene} | {retina} | {zooms} | {task['budget']} | {stops} | {text} |")
    return "\n".join(lines)


def keywords() -> str:
    """Every keyword of a task, its default and its meaning."""
    meanings = re.split(r"\n        (\w+): ", (Task.__doc__ or "").split("Attributes:")[1].split("Raises:")[0])[1:]
    described = {name: " ".join(text.split()) for name, text in zip(meanings[::2], meanings[1::2], strict=True)}
    lines = ["| keyword | default | meaning |", "|---|---|---|"]
    for entry in fields(Task):
        default = "" if entry.default is MISSING else f"`{entry.default!r}`"
        meaning = described[entry.name].replace("``", "`").replace("|", "\\|")
        lines.append(f"| `{entry.name}` | {default} | {meaning} |")
    return "\n".join(lines)


TABLES: dict[str, Callable[[], str]] = {"ids": ids, "keywords": keywords}


def filled(text: str) -> str:
    """A page with every marked table made anew."""
    for name, make in TABLES.items():
        pattern = rf"(<!-- {name}: .*? -->\n).*?(<!-- end -->)"
        text = re.sub(pattern, lambda found, make=make: f"{found[1]}{make()}\n{found[2]}", text, flags=re.DOTALL)  # type: ignore[misc]
    return text


def main(check: bool) -> int:
    """Write, or with `check` only compare, every page that has a marker; returns how many were not current."""
    stale = 0
    for path in (ROOT / "README.md", ROOT / "docs" / "environment.md"):
        text = path.read_text()
        if filled(text) != text:
            stale += 1
            if check:
                print(f"{path.name} is not current: python docs/make_tables.py")
            else:
                path.write_text(filled(text))
    return stale


if __name__ == "__main__":
    only_check = "--check" in sys.argv[1:]
    sys.exit(main(only_check) if only_check else min(0, main(False)))
