"""What a user installs: the wheel's content, its dependencies, and an import that is quick and touches nothing."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import glimpse_env

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("glimpse_env", "agents", "benchmarks", "tests")

# Modules that another name installs; llvmlite comes with numba, which pins it.
DISTRIBUTION_OF = {"PIL": "pillow", "llvmlite": "numba", "pygame": "pygame-ce"}

# Measured beside us where it is installed, in an interpreter of its own.
RIVALS = {"ap_gym"}

# Used where a user has it, for an encoder that comes with weights of its own; no extra asks for it.
GUESTS = {"torchvision"}

# The extras each package may import from, besides the base dependencies.
EXTRAS_OF = {
    "glimpse_env": ("agents", "images", "play", "svhn", "words"),
    "agents": ("agents", "images", "words"),
    "benchmarks": ("agents", "benchmarks", "images", "ray", "words"),
    "tests": ("agents", "benchmarks", "dev", "images", "play", "ray", "svhn", "words"),
}

IMPORT_SECONDS = 0.5
TIMED_IMPORT = "import time; t = time.perf_counter(); import glimpse_env; print(time.perf_counter() - t)"

# Gymnasium comes first: what it opens is not ours.
WATCHED_IMPORT = """
import json, sys
import gymnasium
watched = {"open", "os.mkdir", "socket.connect", "socket.getaddrinfo", "subprocess.Popen"}
seen = []
sys.addaudithook(lambda event, args: seen.append((event, str(args[0]))) if event in watched else None)
import glimpse_env
touched, modules = list(seen), list(sys.modules)
print(json.dumps({"touched": touched, "modules": modules, "ids": list(gymnasium.registry)}))
"""


def run_python(*arguments: str, cwd: Path = ROOT) -> str:
    done = subprocess.run([sys.executable, "-B", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def setup() -> ConfigParser:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config


def requirements(setup: ConfigParser, *extras: str) -> list[Requirement]:
    """The base requirements and those of the extras, without the project's own name."""
    lines = setup["options"]["install_requires"].split("\n")
    for extra in extras:
        lines += setup["options.extras_require"][extra].split("\n")
    found = [Requirement(line) for line in lines if line]
    return [requirement for requirement in found if requirement.name != "glimpse-env"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy, since a build leaves folders behind, and folders left behind get into the next wheel."""
    source = tmp_path_factory.mktemp("source")
    for name in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__", "results"))
    run_python("-m", "build", "--wheel", "--no-isolation", "--outdir", str(source / "dist"), str(source), cwd=source)
    (path,) = (source / "dist").glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    return BytesParser().parsebytes(wheel.read(f"glimpse_env-{glimpse_env.__version__}.dist-info/METADATA"))


def test_wheel_ships_glimpse_env_alone(wheel: zipfile.ZipFile) -> None:
    top = {name.split("/")[0] for name in wheel.namelist()}
    assert top == {"glimpse_env", f"glimpse_env-{glimpse_env.__version__}.dist-info"}


def test_wheel_ships_every_module_and_the_typing_marker(wheel: zipfile.ZipFile) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "glimpse_env").rglob("*.py")}
    shipped = {name for name in wheel.namelist() if name.startswith("glimpse_env/")}
    assert shipped == modules | {"glimpse_env/py.typed"}


def test_wheel_needs_no_more_than_the_base_dependencies(metadata: Message) -> None:
    needed = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    base = {requirement.name for requirement in needed if requirement.marker is None}
    assert base == {"gymnasium", "numba", "numpy", "pooch"}
    assert metadata["Name"] == "glimpse-env"
    assert metadata["Version"] == glimpse_env.__version__


def test_pins_satisfy_what_setup_cfg_asks_for(setup: ConfigParser) -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pinned = {normalised(name): version for name, version in pins.items()}
    for requirement in requirements(setup, *setup["options.extras_require"]):
        version = pinned.get(normalised(requirement.name))
        assert version is not None, f"{requirement} has no pin in constraints.txt"
        assert requirement.specifier.contains(version), f"constraints.txt pins {version}, setup.cfg asks {requirement}"
    assert not [version for version in pinned.values() if "+" in version], "a local build's version, found nowhere else"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_import_is_declared(setup: ConfigParser, package: str) -> None:
    declared = {normalised(requirement.name) for requirement in requirements(setup, *EXTRAS_OF[package])}
    own = {*PACKAGES, *RIVALS, *GUESTS, *(path.stem for path in (ROOT / "tests").rglob("*.py"))}
    undeclared = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [str(node.module)]
            for module in {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - own:
                if normalised(DISTRIBUTION_OF.get(module, module)) not in declared:
                    undeclared[module] = str(path.relative_to(ROOT))
    assert not undeclared


def test_import_is_quick() -> None:
    seconds = min(float(run_python("-c", TIMED_IMPORT)) for _ in range(3))
    assert seconds < IMPORT_SECONDS


def test_import_touches_no_file_and_no_network_and_loads_nothing_heavy() -> None:
    found = json.loads(run_python("-c", WATCHED_IMPORT))
    touched = [
        (event, path) for event, path in found["touched"] if not (event == "open" and path.endswith((".py", ".pyc")))
    ]
    assert touched == []
    assert not {"numba", "pooch", "torch"} & set(found["modules"])
    assert "CrowdedDigits-v0" in found["ids"]
