"""How every kernel is compiled.

Kernels release the interpreter's lock, divide as numpy does, and keep no reference counts: they get every array from
their caller and allocate none. The counting took over a quarter of a step.
"""

from __future__ import annotations

from functools import partial

from numba import njit

kernel = partial(njit, cache=True, nogil=True, error_model="numpy", _nrt=False)
