"""Kernels, and functions that only they call, compiled with less ado than Numba's own way makes.

Ours do not need the passes for what they do not have (contexts, functions within, rewritten
expressions), and what is linked into the kernels that call it needs no machine code of its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from numba.core import typed_passes, types, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder, Flags, compile_extra
from numba.core.compiler_machinery import PassManager
from numba.core.registry import cpu_target
from numba.core.typing.templates import AbstractTemplate, Signature, fold_arguments

PASSES = (
    untyped_passes.TranslateByteCode, untyped_passes.FixupArgs, untyped_passes.IRProcessing,
    untyped_passes.RewriteSemanticConstants, untyped_passes.DeadBranchPrune,
    untyped_passes.GenericRewrites, untyped_passes.ReconstructSSA,
    typed_passes.NopythonTypeInference, typed_passes.PreLowerStripPhis, typed_passes.IRLegalization,
    typed_passes.AnnotateTypes, typed_passes.NativeLowering, typed_passes.NoPythonBackend,
)  # fmt: skip
OPTIONS = {
    "error_model": "numpy", "nopython": True, "no_rewrites": True,
    "no_cfunc_wrapper": True, "no_cpython_wrapper": True,
}  # fmt: skip


class Compiler(CompilerBase):
    """Numba's way through the passes that ours need."""

    def define_pipelines(self) -> list[Any]:
        if not (self.state.func_id.func.__module__ or "").startswith(f"{__package__}."):
            # A user's may have more.
            return [DefaultPassBuilder.define_nopython_pipeline(self.state)]
        passes = PassManager("part")
        for each in PASSES:
            passes.add_pass(each, each.name())
        passes.finalize()
        return [passes]


class _Library(JITCodeLibrary):
    """LLVM's code, optimised, to be linked."""

    def _finalize_final_module(self) -> None:
        self._finalized = True


def _compiled(function: Callable[..., Any], args: tuple[Any, ...], inlined: bool) -> Any:
    """The type that ``function`` returns for arguments of these, which it is compiled for."""
    flags, target = Flags(), cpu_target.target_context
    cpu_target.options.parse_as_flags(flags, OPTIONS | {"forceinline": inlined})
    flags.no_compile = True
    library = _Library(target.codegen(), function.__qualname__)
    made = compile_extra(
        cpu_target.typing_context, target, function, args, None, flags, {}, library, Compiler
    )
    target.insert_user_function(function, made.fndesc, [made.library])
    return made.signature.return_type


def template(function: Callable[..., Any], inlined: bool) -> type[AbstractTemplate]:
    """What Numba asks for the type of a call of ``function``."""
    parameters = inspect.signature(function)
    signatures: dict[tuple[Any, ...], Any] = {}

    class Part(AbstractTemplate):
        key = function

        def generic(self, args: Any, kws: Any) -> Any:
            args = fold_arguments(
                parameters, args, kws, lambda at, name, kind: kind,
                lambda at, name, value: types.Omitted(value),
                lambda at, name, kinds: types.BaseTuple.from_types(kinds),
            )  # fmt: skip
            if args not in signatures:
                returned = _compiled(function, args, inlined)
                signatures[args] = Signature(returned, args, None, parameters)
            return signatures[args]

    return Part
