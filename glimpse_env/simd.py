"""The three inner loops of the retina as vector instructions, written once for every processor; and a prefetch.

Each is a numba intrinsic that emits LLVM vector operations on a fixed number of elements; LLVM turns them into whatever
the processor has. The loops read, and the first two also write, up to `OVERHANG` elements past the count asked for,
so that a row needs no scalar remainder: buffers carry that margin.
"""
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

OVERHANG = 32

intrinsic: Any = extending.intrinsic  # typed, it would have callers pass `typing`, which numba passes

_I8, _I16, _I32, _F32 = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.FloatType()


def _pointer(context, builder, array_type, array, index):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index])


def _load(builder, pointer, element, lanes):
    vector = ir.VectorType(element, lanes)
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), typ=vector, align=1)


def _store(builder, value, pointer):
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=1)


def _first(builder, count, lanes):
    """The mask of the first `count` of `lanes` elements."""
    count = builder.trunc(count, _I32)
    vector = ir.VectorType(_I32, lanes)
    splat = builder.insert_element(ir.Constant(vector, ir.Undefined), count, ir.Constant(_I32, 0))
    zeros = ir.Constant(vector, [0] * lanes)
    splat = builder.shuffle_vector(splat, ir.Constant(vector, ir.Undefined), zeros)
    return builder.icmp_signed("<", ir.Constant(vector, list(range(lanes))), splat)


@intrinsic
def add_saturated(typing, target, at, source, start, count):
    """`target[at:at + 32] += source[start:start + min(count, 32)]`, uint8, clipped at 255."""

    def emit(context, builder, signature, arguments):
        target_value, at_value, source_value, start_value, count_value = arguments
        to = _pointer(context, builder, signature.args[0], target_value, at_value)
        pixels = _load(builder, _pointer(context, builder, signature.args[2], source_value, start_value), _I8, 32)
        nothing = ir.Constant(pixels.type, [0] * 32)
        pixels = builder.select(_first(builder, count_value, 32), pixels, nothing)
        kind = ir.FunctionType(pixels.type, [pixels.type, pixels.type])
        add = cgutils.get_or_insert_function(builder.module, kind, "llvm.uadd.sat.v32i8")
        _store(builder, builder.call(add, [_load(builder, to, _I8, 32), pixels]), to)
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64, types.int64), emit


@intrinsic
def add_pairs(typing, target, at, source, start, pitch):
    """16 sums of 2x2 blocks: uint16 `target[at:at + 16]` from two rows of `source`, `pitch` elements apart."""
    element = _I8 if source.dtype == types.uint8 else _I16

    def emit(context, builder, signature, arguments):
        target_value, at_value, source_value, start_value, pitch_value = arguments
        upper = _load(builder, _pointer(context, builder, signature.args[2], source_value, start_value), element, 32)
        below = builder.add(start_value, pitch_value)
        lower = _load(builder, _pointer(context, builder, signature.args[2], source_value, below), element, 32)
        if element is _I8:
            wide = ir.VectorType(_I16, 32)
            upper, lower = builder.zext(upper, wide), builder.zext(lower, wide)
        rows = builder.add(upper, lower)
        nothing = ir.Constant(rows.type, ir.Undefined)
        even = ir.Constant(ir.VectorType(_I32, 16), list(range(0, 32, 2)))
        odd = ir.Constant(ir.VectorType(_I32, 16), list(range(1, 32, 2)))
        sums = builder.add(builder.shuffle_vector(rows, nothing, even), builder.shuffle_vector(rows, nothing, odd))
        _store(builder, sums, _pointer(context, builder, signature.args[0], target_value, at_value))
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64, types.int64), emit


@intrinsic
def scale_row(typing, target, at, source, start, count, factor):
    """float32 `target[at:at + count] = source[start:start + count] * factor` for count <= 16, and nothing past it."""
    element = _I8 if source.dtype == types.uint8 else _I16

    def emit(context, builder, signature, arguments):
        target_value, at_value, source_value, start_value, count_value, factor_value = arguments
        whole = _load(builder, _pointer(context, builder, signature.args[2], source_value, start_value), element, 16)
        vector = ir.VectorType(_F32, 16)
        splat = builder.insert_element(ir.Constant(vector, ir.Undefined), factor_value, ir.Constant(_I32, 0))
        zeros = ir.Constant(ir.VectorType(_I32, 16), [0] * 16)
        splat = builder.shuffle_vector(splat, ir.Constant(vector, ir.Undefined), zeros)
        values = builder.fmul(builder.uitofp(whole, vector), splat)
        to = _pointer(context, builder, signature.args[0], target_value, at_value)
        mask = _first(builder, count_value, 16)
        kind = ir.FunctionType(ir.VoidType(), [vector, ir.PointerType(), _I32, mask.type])
        store = cgutils.get_or_insert_function(builder.module, kind, "llvm.masked.store.v16f32.p0")
        builder.call(store, [values, to, ir.Constant(_I32, 4), mask])
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64, types.int64, types.float32), emit


@intrinsic
def prefetch(typing, source, at):
    """Have the processor fetch the cache line of element `at` of a contiguous array, and do not wait for it."""

    def emit(context, builder, signature, arguments):
        line = _pointer(context, builder, signature.args[0], *arguments)
        kind = ir.FunctionType(ir.VoidType(), [ir.PointerType(), _I32, _I32, _I32])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        reading, nearest, data = (ir.Constant(_I32, number) for number in (0, 3, 1))
        builder.call(fetch, [line, reading, nearest, data])
        return context.get_dummy_value()

    return types.void(source, types.int64), emit
