"""Values made without generated code behave as the standard library's dataclasses do, which are asked beside them."""

from __future__ import annotations

import dataclasses
import pickle
from functools import cached_property
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecheck import values
from safecheck.finding import Evidence


def pair(module: Any, **how: bool) -> Any:
    """The same class, made by a module with a decorator `dataclass`."""

    class Point:
        """A class with a default, a factory and a method."""

        x: int
        y: int = 2
        rest: tuple[int, ...] = module.field(default_factory=tuple)
        hidden: int = module.field(default=0, repr=False)

        def total(self) -> int:
            return self.x + self.y

    return module.dataclass(**how)(Point)


HOW = [
    {"frozen": frozen, "slots": slots, "eq": eq} for frozen in (True, False) for slots in (True, False)
    for eq in (True, False)
]  # fmt: skip


def outcome(make: Any) -> Any:
    try:
        return make()
    except (TypeError, AttributeError) as error:
        return next(kind for kind in (AttributeError, TypeError) if isinstance(error, kind))


@pytest.mark.parametrize("how", HOW)
@given(
    given=st.lists(st.integers(0, 3), max_size=6),
    named=st.dictionaries(st.sampled_from(["x", "y", "rest", "hidden", "z"]), st.integers(0, 3)),
)
def test_it_takes_shows_and_compares_what_a_dataclass_does(
    how: dict[str, bool], given: list[int], named: dict[str, int]
) -> None:
    ours, theirs = pair(values, **how), pair(dataclasses, **how)
    made, other = outcome(lambda: ours(*given, **named)), outcome(lambda: theirs(*given, **named))
    if isinstance(other, type):
        assert made is other
        return
    assert repr(made) == repr(other)
    assert dataclasses.asdict(made) == dataclasses.asdict(other)
    assert [field.name for field in dataclasses.fields(made)] == [field.name for field in dataclasses.fields(other)]
    assert (made == ours(*given, **named)) == (other == theirs(*given, **named))
    assert isinstance(outcome(lambda: hash(made)), type) == isinstance(outcome(lambda: hash(other)), type)
    assert made != other
    changed = values.replace(made, x=7)
    assert repr(changed) == repr(dataclasses.replace(other, x=7)) == repr(dataclasses.replace(made, x=7))
    assert outcome(lambda: setattr(made, "x", 5)) is outcome(lambda: setattr(other, "x", 5))
    refused = [isinstance(outcome(lambda value=value: setattr(value, "new", 5)), type) for value in (made, other)]
    assert refused[0] == refused[1]
    assert made.total() == other.total()


@values.dataclass(frozen=True)
class Lazy:
    """One with a value that is worked out once."""

    x: int

    @cached_property
    def double(self) -> int:
        return 2 * self.x


def test_a_cached_property_works_and_values_travel_between_processes() -> None:
    assert Lazy(2).double == 4
    for value in (Lazy(2), Evidence("rank", "5", "at most 4")):
        assert pickle.loads(pickle.dumps(value)) == value
