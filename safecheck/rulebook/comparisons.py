"""How a fact is held against a limit: the closed vocabulary of the rule files, three-valued.

A vector satisfies `equals` with a list as a whole and everything else member by member; an empty or unknown vector is
unknown, and an unknown member leaves open what the known ones do not decide.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeGuard

from safecheck.ir.signature import UNKNOWN, FactValue, Unknown, Value

Truth: TypeAlias = bool | Unknown
_Operator: TypeAlias = Callable[[FactValue, Value], Truth]


def _number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(actual: FactValue, limit: FactValue) -> bool:
    """Equality in which an unknown member matches everything; callers look for unknown members themselves."""
    if isinstance(actual, tuple) and isinstance(limit, tuple):
        return len(actual) == len(limit) and all(map(_same, actual, limit))
    if actual is UNKNOWN or limit is UNKNOWN:
        return True
    return actual == limit and (type(actual) is type(limit) or (_number(actual) and _number(limit)))


def _whole(compare: Callable[[Value, Value], bool], actual: FactValue, limit: Value) -> Truth:
    """Compare a vector as one thing; unknown members leave a match open but not a mismatch."""
    if actual is UNKNOWN:
        return UNKNOWN
    if not compare(actual, limit):
        return False
    return UNKNOWN if isinstance(actual, tuple) and UNKNOWN in actual else True


def _each(compare: Callable[[Value, Value], bool], actual: FactValue, limit: Value) -> Truth:
    """Compare every member of a vector; a single value is a vector of one."""
    if actual is UNKNOWN or actual == ():
        return UNKNOWN
    answer: Truth = True
    for member in actual if isinstance(actual, tuple) else (actual,):
        if member is UNKNOWN:
            answer = UNKNOWN
        elif not compare(member, limit):
            return False
    return answer


def _equals(actual: FactValue, limit: Value) -> Truth:
    if isinstance(limit, tuple):
        return _whole(_same, actual, limit)
    if type(actual) is type(limit):  # most facts are one value
        return actual == limit
    return _each(_same, actual, limit)


def _one_of(actual: FactValue, limit: Value) -> Truth:
    options = limit if isinstance(limit, tuple) else (limit,)
    judge = _whole if any(isinstance(option, tuple) for option in options) else _each
    return judge(
        lambda value, _: any(_same(value, option) for option in options if option is not UNKNOWN), actual, limit
    )


def _includes(actual: FactValue, limit: Value) -> Truth:
    if actual is UNKNOWN or actual == ():
        return UNKNOWN
    members = actual if isinstance(actual, tuple) else (actual,)
    if any(member is not UNKNOWN and _same(member, limit) for member in members):
        return True
    return UNKNOWN if UNKNOWN in members else False


def _ordered(compare: Callable[[float, float], bool]) -> _Operator:
    def judge(actual: FactValue, limit: Value) -> Truth:
        return _each(lambda one, other: _number(one) and _number(other) and compare(one, other), actual, limit)

    return judge


def _between(actual: FactValue, limit: Value) -> Truth:
    low, high = limit if isinstance(limit, tuple) and len(limit) == 2 else (1, 0)
    return _each(lambda one, _: _number(one) and _number(low) and _number(high) and low <= one <= high, actual, limit)


def _less_than(actual: FactValue, limit: Value) -> Truth:
    if isinstance(actual, tuple) and isinstance(limit, tuple):
        if len(actual) != len(limit) or not actual:
            return UNKNOWN
        pairs = [_less_than(one, other) for one, other in zip(actual, limit, strict=True) if other is not UNKNOWN]
        if False in pairs:
            return False
        return UNKNOWN if UNKNOWN in pairs or len(pairs) < len(actual) else True
    return _ordered(lambda one, other: one < other)(actual, limit)


OPERATORS: dict[str, _Operator] = {
    "equals": _equals,
    "one_of": _one_of,
    "includes": _includes,
    "at_least": _ordered(lambda one, other: one >= other),
    "at_most": _ordered(lambda one, other: one <= other),
    "between": _between,
    "multiple_of": _ordered(lambda one, other: one % other == 0),
    "less_than_fact": _less_than,
    "equals_fact": _equals,
}
