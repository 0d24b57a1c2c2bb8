"""Use an installed wheel as a stranger would: base dependencies, no checkout, no network, no data."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

IMPORT_SECONDS = 0.5
TIMED_IMPORT = "import time; t = time.perf_counter(); import glimpse_env; print(time.perf_counter() - t)"


def main() -> None:
    """Import, step one environment, step four lanes; an assertion says what does not work."""
    os.environ["GLIMPSE_OFFLINE"] = "1"
    checkout = Path(__file__).resolve().parents[1]
    heavy = {"torch", "stable_baselines3", "matplotlib"}
    present = {name for name in heavy if importlib.util.find_spec(name)}
    assert not present, f"the base install brought {present}"

    seconds = min(
        float(subprocess.run([sys.executable, "-c", TIMED_IMPORT], check=True, capture_output=True, text=True).stdout)
        for _ in range(3)
    )
    assert seconds < IMPORT_SECONDS, f"import glimpse_env took {seconds:.2f} s, more than {IMPORT_SECONDS} s"

    import gymnasium

    import glimpse_env

    assert not Path(glimpse_env.__file__).is_relative_to(checkout), "the checkout was imported, not the wheel"

    env = gymnasium.make("CrowdedDigits-v0")
    observation, _ = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    env.action_space.seed(0)
    for _ in range(100):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        assert env.observation_space.contains(observation)
        assert 0 <= float(reward) <= 1
        if terminated or truncated:
            env.reset()

    lanes = gymnasium.make_vec("CenteredDigits-v0", num_envs=4)
    assert type(lanes.unwrapped).__module__.startswith("glimpse_env"), f"make_vec gave {type(lanes.unwrapped)}"
    lanes.reset(seed=0)
    lanes.action_space.seed(0)
    for _ in range(100):
        observation, *_ = lanes.step(lanes.action_space.sample())
        assert lanes.observation_space.contains(observation)

    refusal = ""
    try:
        gymnasium.make("Words-v0")
    except ImportError as error:
        refusal = str(error)
    assert "glimpse_env[words]" in refusal, "Words-v0 must name the extra that draws its letters"

    version = importlib.metadata.version("glimpse-env")
    assert version == glimpse_env.__version__
    print(f"glimpse-env {version}: the wheel works on base dependencies, imported in {seconds:.2f} s")


if __name__ == "__main__":
    main()
