"""Glimpse: visual attention as a reinforcement-learning benchmark.

Importing it makes the ids known to Gymnasium and loads nothing else; kernels and images are loaded by the first
environment.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from glimpse_env.registration import TASKS, register

if TYPE_CHECKING:
    from glimpse_env.env import GlimpseEnv as GlimpseEnv
    from glimpse_env.evaluation import evaluate as evaluate
    from glimpse_env.evaluation import replay as replay
    from glimpse_env.vector_env import GlimpseVectorEnv as GlimpseVectorEnv

__version__ = "0.1.0"
__all__ = ["TASKS", "GlimpseEnv", "GlimpseVectorEnv", "evaluate", "replay"]

_HOMES = {"GlimpseEnv": "env", "GlimpseVectorEnv": "vector_env", "evaluate": "evaluation", "replay": "evaluation"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'glimpse_env' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"glimpse_env.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


register()
