"""How a fact is held against a limit: the closed vocabulary of the rule files, three-valued.

A vector satisfies `equals` with a list as a whole and everything else member by member; an empty or unknown vector is
unknown, and an unknown member leaves open what the known ones do not decide.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TypeAlias, TypeGuard

from safecheck.ir.signature import UNKNOWN, FactValue, Unknown, Value

Truth: TypeAlias = bool | Unknown
Holds: TypeAlias = Callable[[FactValue], Truth]
_Number: TypeAlias = int | float


def _number(value: object) -> TypeGuard[_Number]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(actual: FactValue, limit: FactValue) -> bool:
    """Equality in which an unknown member matches everything; callers look for unknown members themselves."""
    if isinstance(actual, tuple) and isinstance(limit, tuple):
        return len(actual) == len(limit) and all(map(_same, actual, limit))
    if actual is UNKNOWN or limit is UNKNOWN:
        return True
    return actual == limit and (type(actual) is type(limit) or (_number(actual) and _number(limit)))


def _whole(fits: Callable[[Value], bool], actual: FactValue) -> Truth:
    """Compare a vector as one thing; unknown members leave a match open but not a mismatch."""
    if actual is UNKNOWN:
        return UNKNOWN
    if not fits(actual):
        return False
    return UNKNOWN if isinstance(actual, tuple) and UNKNOWN in actual else True


def _each(fits: Callable[[Value], bool], actual: FactValue) -> Truth:
    """Compare every member of a vector; a single value is a vector of one."""
    if not isinstance(actual, tuple):
        return UNKNOWN if actual is UNKNOWN else fits(actual)
    answer: Truth = True if actual else UNKNOWN
    for member in actual:
        if member is UNKNOWN:
            answer = UNKNOWN
        elif not fits(member):
            return False
    return answer


def _equals(limit: Value) -> Holds:
    def same(value: Value) -> bool:
        return _same(value, limit)

    def holds(actual: FactValue) -> Truth:
        return actual == limit if type(actual) is type(limit) else _each(same, actual)  # most facts are one value

    return (lambda actual: _whole(same, actual)) if isinstance(limit, tuple) else holds


def _one_of(limit: Value) -> Holds:
    options = [option for option in (limit if isinstance(limit, tuple) else (limit,)) if option is not UNKNOWN]
    judge = _whole if any(isinstance(option, tuple) for option in options) else _each
    words = frozenset(option for option in options if isinstance(option, str))

    def fits(value: Value) -> bool:
        return value in words if isinstance(value, str) else any(_same(value, option) for option in options)

    return lambda actual: judge(fits, actual)


def _includes(limit: Value) -> Holds:
    def holds(actual: FactValue) -> Truth:
        if actual is UNKNOWN or actual == ():
            return UNKNOWN
        members = actual if isinstance(actual, tuple) else (actual,)
        if any(member is not UNKNOWN and _same(member, limit) for member in members):
            return True
        return UNKNOWN if UNKNOWN in members else False

    return holds


def _ordered(compare: Callable[[_Number, _Number], bool]) -> Callable[[Value], Holds]:
    def against(limit: Value) -> Holds:
        def fits(value: Value) -> bool:
            return _number(value) and _number(limit) and compare(value, limit)

        def holds(actual: FactValue) -> Truth:
            return _each(fits, actual)

        return holds

    return against


def _between(limit: Value) -> Holds:
    low, high = limit if isinstance(limit, tuple) and len(limit) == 2 else (1, 0)

    def fits(value: Value) -> bool:
        return _number(value) and _number(low) and _number(high) and low <= value <= high

    return lambda actual: _each(fits, actual)


def _less_than(limit: Value) -> Holds:
    def holds(actual: FactValue) -> Truth:
        if not isinstance(actual, tuple) or not isinstance(limit, tuple):
            return _ordered(operator.lt)(limit)(actual)
        if len(actual) != len(limit) or not actual:
            return UNKNOWN
        pairs = [_less_than(other)(one) for one, other in zip(actual, limit, strict=True) if other is not UNKNOWN]
        if False in pairs:
            return False
        return UNKNOWN if UNKNOWN in pairs or len(pairs) < len(actual) else True

    return holds


def _is_multiple(value: _Number, limit: _Number) -> bool:
    return value % limit == 0


OPERATORS: dict[str, Callable[[Value], Holds]] = {
    "equals": _equals,
    "one_of": _one_of,
    "includes": _includes,
    "at_least": _ordered(operator.ge),
    "at_most": _ordered(operator.le),
    "between": _between,
    "multiple_of": _ordered(_is_multiple),
    "less_than_fact": _less_than,
    "equals_fact": _equals,
}
"""What each word asks of a fact, by its limit. A rule asks the same of every node, so the limit is looked at once."""
