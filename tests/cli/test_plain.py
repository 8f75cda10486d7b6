"""An audit's command line that is read without click says what click would have read."""

from __future__ import annotations

from typing import Any

import click
from hypothesis import given
from hypothesis import strategies as st

from safecheck.cli.audit import audit
from safecheck.cli.plain import FLAGS, LISTS, NUMBERS, TEXTS, options_of

NAMES = [*FLAGS, *LISTS, *NUMBERS, *TEXTS]
WORDS = ["a.onnx", "-", "", "7", "0", "1024", "1025", "007", "٣", "text=x", "--", "--help", "-qv", "-j4", "--nothing"]


def by_click(words: list[str]) -> dict[str, Any] | None:
    """The options as click reads them, less those that have their defaults; None if it refuses or answers itself."""
    try:
        with audit.make_context("audit", list(words), resilient_parsing=False) as context:
            defaults = {option.name: option.get_default(context) for option in audit.params}
            return {name: value for name, value in context.params.items() if value not in (defaults[name], None, ())}
    except (click.ClickException, click.exceptions.Exit):
        return None


def test_every_option_is_known_to_click_with_its_kind() -> None:
    known = {name: option for option in audit.params for name in (*option.opts, *option.secondary_opts)}
    for name in NAMES:
        option = known[name]
        assert isinstance(option, click.Option)
        own = FLAGS[name][0] if name in FLAGS else (LISTS | NUMBERS | TEXTS)[name]
        assert option.name == own
        assert (option.is_flag, option.multiple, option.nargs) == (name in FLAGS, name in LISTS, 1)


words = st.one_of(
    st.sampled_from(NAMES), st.sampled_from(WORDS), st.text(max_size=4),
    st.builds("{}={}".format, st.sampled_from(NAMES), st.sampled_from(WORDS)),
)  # fmt: skip


@given(st.lists(words, max_size=6))
def test_what_is_read_without_click_is_what_click_reads(arguments: list[str]) -> None:
    ours = options_of(arguments)
    if ours is not None:
        defaults = (None, (), False)
        theirs = by_click(arguments)
        assert theirs is not None
        kept = {name: value for name, value in ours.items() if value not in defaults or theirs.get(name) is False}
        assert kept == {name: value for name, value in theirs.items() if name in ours}
        assert theirs.keys() <= ours.keys()


def test_plain_command_lines_do_without_click() -> None:
    assert options_of(["a.onnx"]) == {"models": ("a.onnx",)}
    assert options_of(["--no-cache", "-j", "2", "--output=json=x", "--output", "text", "a", "b"]) == {
        "models": ("a", "b"), "cache": False, "jobs": 2, "outputs": ("json=x", "text"),
    }  # fmt: skip
