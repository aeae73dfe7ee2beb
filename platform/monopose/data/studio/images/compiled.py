"""How the renderer's loops are compiled, and the columns of the arrays that they read.

Loops run without Python's lock and in one thread each: several images at a time are several
threads of the caller. Numba's own thread pool is not used because it may not be entered from two
threads at once, which an actor with two threads would do.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numba
from numba.core.dispatcher import Dispatcher

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """The function as machine code, compiled at its first call and kept on disk where possible.

    The cache notices changes of the function's own file only: after an edit of a file that others
    call, remove the .nbi and .nbc files beside it.
    """
    return _compiler(function)


def inlined(function: Function) -> Function:
    """The same for a function that allocates nothing and is called for each pixel.

    Numba counts references to an array each time it is handed on, with locked instructions that
    cost more than shading a pixel does: such a function has no counting, and is put into the one
    that calls it. Compiling fails where it makes an array after all.
    """
    return _compiler(function, forceinline=True, _nrt=False)


def compiled_before(function: object) -> bool:
    """Whether machine code of a compiled function lies on disk, from this run or another."""
    assert isinstance(function, Dispatcher)
    folder, code = function.stats.cache_path, function.py_func.__code__
    name = f"{Path(code.co_filename).stem}.{function.py_func.__qualname__}-"
    return folder is not None and any(Path(folder).glob(f"{name}*.nbi"))


def _compiler(function: Function, **options: bool) -> Function:
    # Tests wrap every function to check its shapes; the compiler needs the function itself.
    plain = inspect.unwrap(function)
    options |= {"nogil": True, "fastmath": True}
    try:
        return numba.njit(cache=True, error_model="numpy", **options)(plain)
    except RuntimeError:  # neither this folder nor the user's cache can be written to
        return numba.njit(error_model="numpy", **options)(plain)


# Columns of a shape. Its surface is a round cone (sphere r1 at the origin, sphere r2 at z = h,
# and what spans them) or the cube -1..1 (r1 < 0), in coordinates q = INVERSE (x - CENTRE).
INVERSE = 0  # 9, row by row
CENTRE = 9  # 3, metres, world
R1 = 12
R2 = 13
LENGTH = 14
SIZE = 15  # 3, metres per unit of q, for textures
MATERIAL = 18
PART = 19
OFFSET = 20  # metres added to the texture's v, so that patterns run on from shape to shape
BALL_A = 21  # x y z radius: the two balls whose hull holds the shape
BALL_B = 25
FRONT = 29  # 1 where the shape carries a print on its front
SHAPE_COLUMNS = 30

# Columns of a material.
KIND = 0
COLOUR = 1  # 3, linear
SECOND = 4  # 3, linear
PERIOD = 7  # metres
GRAIN = 8  # share by which brightness varies
GRAIN_M = 9  # metres, size of the grain
GLOSS = 10
FOLDS = 11  # how strongly the surface is crumpled
MATERIAL_COLUMNS = 12

# Kinds of pattern.
PLAIN, STRIPES, CHECKS, DOTS, PLAID, BLOTCHES, BRICKS, PLANKS, TILES, MOSAIC = range(10)

# Columns of a light.
TO_SUN = 0  # 3
SUN = 3  # 3, linear
SKY = 6  # 3, light from above
GROUND = 9  # 3, light from below
ZENITH = 12  # 3, colour of the sky overhead
HAZE = 15  # 3, colour of the horizon
CLOUDS = 18
SOFTNESS = 19  # metres of penumbra
LIGHT_COLUMNS = 20

FAR = 1.0e30
