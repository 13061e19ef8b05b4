"""Elementary functions with the same bits on every machine.

The exponential and logarithms of numpy and of the C library are chosen by processor generation and differ in the
last bit; so do all functions that reach BLAS. Here everything is made of IEEE 754 operations that have one right answer
(+ - * / sqrt, comparisons, floor, frexp, ldexp), each rounded once: no fused multiply-add, no pairwise sum.

Each function takes a float and returns a float, or takes an array and returns a float64 array of the same shape, with
the same bits either way. Relative error is below 1e-14 everywhere (measured: 3e-16 exp and logarithms, 1e-15 quantile);
a subnormal result is off by at most its last bit. NaN gives NaN. No warning is raised.

Source of `exp`, `log`, `log1p`: fdlibm 5.3 (e_exp.c, e_log.c, s_log1p.c), whose notice reads:
    Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunSoft, a Sun Microsystems, Inc.
    business. Permission to use, copy, modify, and distribute this software is freely granted, provided that this
    notice is preserved.
Source of `normal_quantile`: Wichura 1988, algorithm AS 241 (PPND16).
"""

import math
from typing import Final, TypeVar, overload

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
_F = TypeVar("_F", float, FloatArray)

INV_LN2: Final = 1.44269504088896338700e00
"""1 / ln 2: turns a natural logarithm into bits."""

_INF: Final = math.inf
_EXP_MAX: Final = 709.782712893384  # above it exp exceeds the largest double
_EXP_MIN: Final = -745.1332191019412  # below it exp is less than half the smallest subnormal
_LN2_HI: Final = 6.93147180369123816490e-01  # trailing zeros: its product with an exponent is exact
_LN2_LO: Final = 1.90821492927058770002e-10
_SQRT_HALF: Final = 0.70710678118654752440


def _exp_reduced(hi: _F, lo: _F) -> _F:
    r = hi - lo
    t = r * r
    p = 4.13813679705723846039e-08
    p4 = -1.65339022054652515390e-06 + t * p
    p3 = 6.61375632143793436117e-05 + t * p4
    p2 = -2.77777777770155933842e-03 + t * p3
    c = r - t * (1.66666666666666019037e-01 + t * p2)
    return 1.0 + (r * c / (2.0 - c) - lo + hi)


def _log_reduced(f: _F, c: _F, k: _F) -> _F:
    """Return log(2^k (1 + f)) + c, with 1 + f in [sqrt(1/2), sqrt(2))."""
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    even = 2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)
    r = odd + z * (6.666666666666735130e-01 + w * even)
    half_square = 0.5 * f * f
    return s * (half_square + r) + (k * _LN2_LO + c) - half_square + f + k * _LN2_HI


def _split(x: float) -> tuple[float, int]:
    m, k = math.frexp(x)
    return (m + m, k - 1) if m < _SQRT_HALF else (m, k)


def _split_array(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    m, k = np.frexp(x)
    low = m < _SQRT_HALF
    return np.where(low, m + m, m), np.where(low, k - 1.0, k)


@overload
def exp(x: float) -> float: ...
@overload
def exp(x: FloatArray) -> FloatArray: ...
def exp(x: float | FloatArray) -> float | FloatArray:
    """Return e to the power x; +inf above 709.78, 0 below -745.13."""
    if isinstance(x, np.ndarray):
        inside = (x >= _EXP_MIN) & (x <= _EXP_MAX)
        is_all = bool(inside.all())
        safe = x if is_all else np.where(inside, x, 0.0)
        n = np.floor(safe * INV_LN2 + 0.5)
        y = np.ldexp(_exp_reduced(safe - n * _LN2_HI, n * _LN2_LO), n.astype(np.intc))
        if is_all:
            return np.asarray(y)
        return np.where(inside, y, np.where(x > 0.0, _INF, np.where(x < 0.0, 0.0, np.nan)))
    x = float(x)  # a numpy scalar would be slow and warn
    if _EXP_MIN <= x <= _EXP_MAX:
        k = math.floor(x * INV_LN2 + 0.5)
        return math.ldexp(_exp_reduced(x - k * _LN2_HI, k * _LN2_LO), k)
    return _INF if x > 0.0 else 0.0 if x < 0.0 else math.nan


@overload
def log(x: float) -> float: ...
@overload
def log(x: FloatArray) -> FloatArray: ...
def log(x: float | FloatArray) -> float | FloatArray:
    """Return the natural logarithm; -inf at zero of either sign, NaN below zero."""
    if isinstance(x, np.ndarray):
        inside = (x > 0.0) & (x < _INF)
        mantissas, exponents = _split_array(np.where(inside, x, 1.0))
        y = _log_reduced(mantissas - 1.0, np.zeros_like(mantissas), exponents)
        return np.where(inside, y, np.where(x > 0.0, _INF, np.where(x == 0.0, -_INF, np.nan)))
    x = float(x)
    if 0.0 < x < _INF:
        m, k = _split(x)
        return _log_reduced(m - 1.0, 0.0, float(k))
    return _INF if x > 0.0 else -_INF if x == 0.0 else math.nan


@overload
def log1p(x: float) -> float: ...
@overload
def log1p(x: FloatArray) -> FloatArray: ...
def log1p(x: float | FloatArray) -> float | FloatArray:
    """Return log(1 + x), exact to the last bits near zero (x itself at zero); -inf at -1, NaN below it."""
    if isinstance(x, np.ndarray):
        inside = (x > -1.0) & (x < _INF) & (x != 0.0)
        safe = np.where(inside, x, 1.0)
        us = 1.0 + safe
        mantissas, exponents = _split_array(us)
        near = exponents == 0.0
        lost = np.where(exponents > 1.0, 1.0 - (us - safe), safe - (us - 1.0))
        y = _log_reduced(np.where(near, safe, mantissas - 1.0), np.where(near, 0.0, lost / us), exponents)
        outside = np.where(x >= 0.0, x, np.where(x == -1.0, -_INF, np.nan))
        return np.where(inside, y, outside)
    x = float(x)
    if -1.0 < x < _INF and x != 0.0:
        u = 1.0 + x
        m, k = _split(u)
        if k == 0:
            return _log_reduced(x, 0.0, 0.0)
        error = 1.0 - (u - x) if k > 1 else x - (u - 1.0)  # what the addition rounded away
        return _log_reduced(m - 1.0, error / u, float(k))
    return x if x >= 0.0 else -_INF if x == -1.0 else math.nan


def _quantile_centre(q: _F) -> _F:
    r = 0.180625 - q * q
    a = 3.3430575583588128105e4 + r * 2.5090809287301226727e3
    a = 4.5921953931549871457e4 + r * (6.7265770927008700853e4 + r * a)
    a = 1.9715909503065514427e3 + r * (1.3731693765509461125e4 + r * a)
    a = 3.3871328727963666080e0 + r * (1.3314166789178437745e2 + r * a)
    b = 2.8729085735721942674e4 + r * 5.2264952788528545610e3
    b = 2.1213794301586595867e4 + r * (3.9307895800092710610e4 + r * b)
    b = 6.8718700749205790830e2 + r * (5.3941960214247511077e3 + r * b)
    return q * a / (1.0 + r * (4.2313330701600911252e1 + r * b))


def _quantile_tail(r: _F) -> _F:
    r = r - 1.6
    c = 2.27238449892691845833e-2 + r * 7.74545014278341407640e-4
    c = 1.27045825245236838258e0 + r * (2.41780725177450611770e-1 + r * c)
    c = 5.76949722146069140550e0 + r * (3.64784832476320460504e0 + r * c)
    c = 1.42343711074968357734e0 + r * (4.63033784615654529590e0 + r * c)
    d = 5.47593808499534494600e-4 + r * 1.05075007164441684324e-9
    d = 1.48103976427480074590e-1 + r * (1.51986665636164571966e-2 + r * d)
    d = 1.67638483018380384940e0 + r * (6.89767334985100004550e-1 + r * d)
    return c / (1.0 + r * (2.05319162663775882187e0 + r * d))


def _quantile_far_tail(r: _F) -> _F:
    r = r - 5.0
    e = 2.71155556874348757815e-5 + r * 2.01033439929228813265e-7
    e = 2.65321895265761230930e-2 + r * (1.24266094738807843860e-3 + r * e)
    e = 1.78482653991729133580e0 + r * (2.96560571828504891230e-1 + r * e)
    e = 6.65790464350110377720e0 + r * (5.46378491116411436990e0 + r * e)
    f = 1.42151175831644588870e-7 + r * 2.04426310338993978564e-15
    f = 7.86869131145613259100e-4 + r * (1.84631831751005468180e-5 + r * f)
    f = 1.36929880922735805310e-1 + r * (1.48753612908506148525e-2 + r * f)
    return e / (1.0 + r * (5.99832206555887937690e-1 + r * f))


@overload
def normal_quantile(p: float) -> float: ...
@overload
def normal_quantile(p: FloatArray) -> FloatArray: ...
def normal_quantile(p: float | FloatArray) -> float | FloatArray:
    """Return the x below which a standard normal falls with probability p; -inf at 0, +inf at 1, NaN outside [0, 1]."""
    if isinstance(p, np.ndarray):
        inside = (p > 0.0) & (p < 1.0)
        safe = np.where(inside, p, 0.5)
        qs = safe - 0.5
        centre = (qs >= -0.425) & (qs <= 0.425)
        rs = np.sqrt(-log(np.where(qs < 0.0, safe, 1.0 - safe)))
        far = rs > 5.0
        tail = np.where(far, _quantile_far_tail(rs), _quantile_tail(rs))
        x = np.where(centre, _quantile_centre(qs), np.where(qs < 0.0, -tail, tail))
        return np.where(inside, x, np.where(p == 0.0, -_INF, np.where(p == 1.0, _INF, np.nan)))
    p = float(p)
    if 0.0 < p < 1.0:
        q = p - 0.5
        if -0.425 <= q <= 0.425:
            return _quantile_centre(q)
        r = math.sqrt(-log(p if q < 0.0 else 1.0 - p))
        x_abs = _quantile_far_tail(r) if r > 5.0 else _quantile_tail(r)
        return -x_abs if q < 0.0 else x_abs
    return -_INF if p == 0.0 else _INF if p == 1.0 else math.nan


def fixed_row_sums(x: FloatArray) -> FloatArray:
    """Sum over the last axis (length >= 1), strictly from left to right."""
    totals: FloatArray = np.add.accumulate(x, axis=-1)[..., -1]
    return totals


def fixed_sum(x: FloatArray) -> float:
    """Sum a vector strictly from left to right; 0 for an empty one."""
    return float(np.add.accumulate(x)[-1]) if x.size else 0.0


def fixed_dot(a: FloatArray, b: FloatArray) -> float:
    """Return the scalar product of two vectors, products rounded, summed from left to right."""
    return fixed_sum(a * b)
