"""Kernels, and functions that only they call, compiled with less ado than Numba's own way makes.

Ours do not need the passes for what they do not have (contexts, functions within, rewritten
expressions, objects whose references are counted), nor those that give each value a name, since
the values of a name have one type; and what is linked into kernels needs no machine code of its
own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from numba.core import errors, ir, typed_passes, types, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder, Flags, compile_extra
from numba.core.compiler_machinery import FunctionPass, PassManager, register_pass
from numba.core.registry import cpu_target
from numba.core.target_extension import target_override
from numba.core.typing.templates import AbstractTemplate, Signature, fold_arguments

from .context import TARGET


@register_pass(mutates_CFG=False, analysis_only=True)
class OneType(FunctionPass):
    """Refuses names of several types: Numba would make a float of signed and unsigned, say."""

    _name = "one_type"

    def __init__(self) -> None:
        super().__init__()

    def run_pass(self, state: Any) -> bool:
        typemap, calltypes = state.typemap, state.calltypes
        for block in state.func_ir.blocks.values():
            for each in block.find_insts(ir.Assign):
                value, kind = each.value, typemap[each.target.name]
                if isinstance(value, ir.Var):
                    own = typemap[value.name]
                else:
                    own = getattr(calltypes.get(value), "return_type", kind)
                if types.unliteral(own) != types.unliteral(kind):
                    raise errors.TypingError(f"{each.target} is {kind}, and {own} here", each.loc)
        return False


PASSES = (
    untyped_passes.TranslateByteCode, untyped_passes.FixupArgs,
    untyped_passes.RewriteSemanticConstants, untyped_passes.DeadBranchPrune,
    untyped_passes.GenericRewrites, typed_passes.NopythonTypeInference, OneType,
    typed_passes.NativeLowering, typed_passes.NoPythonBackend,
)  # fmt: skip
OPTIONS = {
    "error_model": "numpy", "nopython": True, "no_rewrites": True,
    "no_cfunc_wrapper": True, "no_cpython_wrapper": True,
}  # fmt: skip


def _ours(function: Callable[..., Any]) -> bool:
    """A user's may have more, and make objects."""
    return (function.__module__ or "").startswith(f"{__package__}.")


class Compiler(CompilerBase):
    """Numba's way through the passes that ours need."""

    def define_pipelines(self) -> list[Any]:
        if not _ours(self.state.func_id.func):
            return [DefaultPassBuilder.define_nopython_pipeline(self.state)]
        self.state.type_annotation = ""
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
    """``function`` compiled for arguments of these types, to be linked into what calls it."""
    flags, place = Flags(), TARGET if _ours(function) else cpu_target
    more = {"forceinline": inlined, "_nrt": not _ours(function)}
    place.options.parse_as_flags(flags, OPTIONS | more)
    flags.no_compile = True
    library = _Library(TARGET.target_context.codegen(), function.__qualname__)
    typing, target = place.typing_context, place.target_context
    with target_override(target.target_name):
        return compile_extra(typing, target, function, args, None, flags, {}, library, Compiler)


def template(function: Callable[..., Any], inlined: bool) -> type[AbstractTemplate]:
    """What Numba asks for the type of a call of ``function``."""
    parameters = inspect.signature(function)
    made: dict[tuple[Any, ...], Any] = {}
    known: set[tuple[Any, ...]] = set()

    class Part(AbstractTemplate):
        key = function

        def generic(self, args: Any, kws: Any) -> Any:
            args = fold_arguments(
                parameters, args, kws, lambda at, name, kind: kind,
                lambda at, name, value: types.Omitted(value),
                lambda at, name, kinds: types.BaseTuple.from_types(kinds),
            )  # fmt: skip
            if args not in made:
                made[args] = _compiled(function, args, inlined)
            part = made[args]
            ours = self.context is TARGET.typing_context
            if (args, ours) not in known:
                caller = (TARGET if ours else cpu_target).target_context
                caller.insert_user_function(function, part.fndesc, [part.library])
                known.add((args, ours))
            return Signature(part.signature.return_type, args, None, parameters)

    return Part
