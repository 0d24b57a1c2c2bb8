from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.score import load

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_worked_example_works(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "adding_an_agent.md").read_text(encoding="utf-8")
    files = re.findall(r"`([\w/]+\.py)`:\n\n```python\n(.*?)```", text, re.DOTALL)
    commands = [line for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    assert len(files) == 1
    assert len(commands) == 3
    for name, content in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    output = ""
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "python"
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        output += done.stdout
    results = load("smoke", tmp_path / "my_results")
    assert [(result["agent"], result["board"], result["seed"]) for result in results] == [
        ("scan", "labels", k) for k in (0, 1)
    ]
    assert all(result["evaluation"]["accuracy"] > 0.5 for result in results)
    assert output.count("confirmed") == 2
