"""`python -m benchmarks COMMAND ...`: one module a command, imported when it is called for."""

from __future__ import annotations

import importlib
import sys

import tyro

#: command -> what it does; `benchmarks.<command>` holds its `main`, whose arguments are the command's.
COMMANDS = {
    "run": "train and score agents on tasks; resumes where it was interrupted",
    "score": "summarise results: success, return, glimpses, normalised score, intervals",
    "report": "write the leaderboards, as Markdown and as one HTML page",
    "records": "write the table of ours against the published, and of what each ingredient is worth",
    "zooms": "count and draw the zooms of a result, glimpse by glimpse",
    "verify": "replay the action log of results and confirm or refute their scores",
    "throughput": "measure steps per second against the bars",
    "generator": "train the paper's full-view networks, which prove the scene generator",
}


def main() -> None:
    """Run the command named first, with the arguments that follow."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in COMMANDS:
        usage = ["usage: python -m benchmarks COMMAND ...; COMMAND --help says more"]
        usage += [f"  {command:<12}{text}" for command, text in COMMANDS.items()]
        print("\n".join(usage))
        raise SystemExit(0 if name in ("", "-h", "--help") else f"unknown command {name!r}")
    module = importlib.import_module(f"benchmarks.{name}")
    tyro.cli(module.main, prog=f"python -m benchmarks {name}", description=module.__doc__, args=sys.argv[2:])


if __name__ == "__main__":
    main()
