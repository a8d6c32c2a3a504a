"""Where kernels are compiled: what Numba has for numbers, tuples and arrays, and nothing else.

Numba's own place for that first loads all that a user's function could need, such as linear
algebra, and SciPy for it: a tenth of a first result.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import binding as llvm
from numba.core import cpu
from numba.core.ccallback import CFunc
from numba.core.dispatcher import Dispatcher
from numba.core.environment import lookup_environment
from numba.core.registry import CPUTarget
from numba.core.runtime import _nrt_python
from numba.core.target_extension import (
    CPU,
    dispatcher_registry,
    jit_registry,
    target_override,
    target_registry,
)
from numba.core.utils import threadsafe_cached_property


@cache
def name_helpers() -> None:
    """Lets machine code call by name what Numba has in C, such as for memory."""
    for name, address in _nrt_python.c_helpers.items():
        llvm.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)


class _Context(cpu.CPUContext):
    def __repr__(self) -> str:  # where an error of a user's function is printed
        return "a pooling"

    def load_additional_registries(self) -> None:
        name_helpers()
        # They write into the registry that all contexts share.
        from numba.core import optional  # noqa: F401
        from numba.cpython import builtins, mathimpl, numbers, rangeobj, tupleobj  # noqa: F401
        from numba.np import arrayobj  # noqa: F401

        self.install_registry(mathimpl.registry)

    def post_lowering(self, mod: Any, library: Any) -> None:
        """Nothing: Numba links what counts references to each function, and ours count none."""


class _Target(CPUTarget):
    @threadsafe_cached_property
    def _toplevel_target_context(self) -> Any:
        return _Context(self.typing_context, self._target_name)


class _Ours(CPU):
    """Numba's name for it."""


NAME = "numbapool"
TARGET = _Target(NAME)
target_registry[NAME] = _Ours


class Callback(CFunc):
    """A function that machine code calls by its address."""

    _targetdescr = TARGET

    def compile(self) -> None:
        with target_override(NAME):
            super().compile()

    def _compile_uncached(self) -> Any:
        """As when it is read from disk: what a user's part raises finds what it is made of.

        Else Numba gives up while it holds the GIL.
        """
        made = super()._compile_uncached()
        made.library._ensure_finalized()
        for variable in made.library._final_module.global_variables:
            environment = lookup_environment(variable.name)
            if environment is not None:
                made.library.codegen.set_env(variable.name, environment)
        return made


class Driver(Dispatcher):
    """A function that Python calls, with arrays."""

    targetdescr = TARGET

    def compile(self, sig: Any) -> Any:
        with target_override(NAME):
            return super().compile(sig)


dispatcher_registry[_Ours] = Driver


def _jit(**options: Any) -> Any:
    """What Numba compiles its own functions with that ours call."""
    return lambda function: Driver(function, targetoptions=options)


jit_registry[_Ours] = _jit
