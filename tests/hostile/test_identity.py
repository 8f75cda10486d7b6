"""Nobody is impersonated: no file of one's own is shown as a shipped profile, in any format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from workflow_repo import FORBIDDEN, Repository, one_error

from safecheck.errors import RuleFileError
from safecheck.render import RENDERERS
from safecheck.rulebook.default import DEFAULT
from safecheck.rulebook.load import profile, shipped, shipped_names

TITLE = dict(shipped_names())[DEFAULT]
OVERLAY = f'id: ours\ntitle: Ours\nversion: "1"\nstatus: released\nextends: {DEFAULT}\n'
BASE = (Path(__file__).parents[2] / "rules" / "profiles" / f"{DEFAULT}.yaml").read_text(encoding="utf-8")


def own(text: str, **changes: str) -> str:
    """A profile with another id or title."""
    for key, value in changes.items():
        lines = [f'{key}: "{value}"' if line.startswith(f"{key}: ") else line for line in text.splitlines()]
        text = "\n".join(lines) + "\n"
    return text


SPELLINGS: dict[str, Callable[[str], str]] = {
    "itself": str,
    "capitals": str.upper,
    "a space at its end": lambda name: f"{name} ",
    "other separators": lambda name: name.replace("-", "_").replace(" ", "  "),
    "a hyphen that is none": lambda name: name.replace("-", "\u2011").replace(" ", "\u00a0"),
    "Cyrillic": lambda name: name.replace("e", "\u0435"),
    "full width": lambda name: "".join(chr(ord(sign) + 0xFEE0) if sign.isalnum() else sign for sign in name),
    "mathematical": lambda name: name.replace("s", "\U0001d42c").replace("S", "\U0001d412"),
    "zero width": lambda name: "\u200b".join(name),
    "a soft hyphen": lambda name: f"{name}\u00ad",
    "a filler": lambda name: f"\u3164{name}",
    "right to left override": lambda name: f"\u202d{name}\u202c",
    "a combining mark": lambda name: name.replace("r", "r\u0323"),
    "l for I": lambda name: name.replace("i", "l") if "i" in name else name.replace("I", "l"),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize(("key", "name"), [("id", DEFAULT), ("id", "tensorrt-10-safety"), ("title", TITLE)])
@pytest.mark.parametrize("text", [BASE, OVERLAY], ids=["base", "overlay"])
def test_names_of_shipped_profiles_are_reserved(
    text: str, key: str, name: str, spell: Callable[[str], str], tmp_path: Path
) -> None:
    if spell is SPELLINGS["l for I"] and spell(name).upper() == name.upper():
        pytest.skip("there is no such letter in it")
    text = own(text, **{"id": "ours", "title": "Ours", key: spell(name)})
    file = tmp_path / "x.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RuleFileError, match=f"{key}: the {key} (is taken by|looks like that of) a shipped profile"):
        profile(str(file))


@pytest.mark.parametrize("name", [f"{DEFAULT}@8.6.11", f"{DEFAULT} 2026.1", f"({DEFAULT})", f"x {DEFAULT.upper()}"])
def test_more_words_do_not_make_another_id(name: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(own(OVERLAY, id=name))
    with pytest.raises(RuleFileError, match="shipped profile"):
        profile(str(tmp_path / "x.yaml"))


@pytest.mark.parametrize("name", ["acme", f"{DEFAULT}-measured", f"acme-{DEFAULT}", "tensorrt-8.7-restricted"])
def test_other_names_are_free(name: str, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(own(OVERLAY, id=name, title=f"{TITLE}, of ours on {DEFAULT}"))
    book = profile(str(file))
    assert (book.id, book.shipped) == (name, True)


def test_no_two_shipped_profiles_are_alike() -> None:
    from safecheck.strict.lookalike import alike

    for names in zip(*shipped_names(), strict=True):
        assert not [(one, two) for i, one in enumerate(names) for two in names[:i] if alike(one, two)]
    assert len(shipped()) == len(list(shipped_names()))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.model("net.onnx", FORBIDDEN)
    base = own(BASE, id="acme", title="Acme")
    made.write("mine/base.yaml", base)
    made.write("mine/overlay.yaml", OVERLAY.replace(DEFAULT, "base.yaml").replace("id: ours", "id: acme-official"))
    return made


@pytest.mark.parametrize("file", ["base.yaml", "overlay.yaml"])
@pytest.mark.parametrize("format", RENDERERS["audit"])
def test_every_format_says_whose_rules_these_are(repository: Repository, file: str, format: str) -> None:
    """Also where an overlay stands on a profile of one's own."""
    done = repository.safecheck("audit", "net.onnx", "--profile", f"mine/{file}", "--output", format)
    assert done.returncode == 1, done.stderr
    assert f"own profile {file}, not shipped" in done.stdout
    assert DEFAULT not in done.stdout


@pytest.mark.parametrize(
    "command",
    ["compare net.onnx net.onnx --output {}", "graph net.onnx --format {}", "fix net.onnx --dry-run --output {}"],
)
def test_other_commands_say_it_too(repository: Repository, command: str) -> None:
    words = command.split()
    for format in RENDERERS[words[0]]:
        if words[0] == "graph" and format == "mermaid":
            continue  # a drawing without words beside it
        done = repository.safecheck(*command.format(format).split(), "--profile", "mine/base.yaml")
        assert done.returncode in (0, 1, 3), done.stderr
        assert "own profile base.yaml, not shipped" in done.stdout, format


def test_a_file_name_cannot_speak(repository: Repository) -> None:
    name = f"x, shipped\u202e\n{DEFAULT}.yaml"
    repository.write(name, own(BASE, id="acme", title="Acme"))
    done = repository.safecheck("audit", "net.onnx", "--profile", name)
    assert "\u202e" not in done.stdout
    assert f"\n{DEFAULT}" not in done.stdout


def test_the_case_that_was_seen(repository: Repository) -> None:
    repository.write("impersonating.yaml", BASE)
    for more in ([], ["--release"]):
        done = repository.safecheck("audit", "net.onnx", "--profile", "impersonating.yaml", *more)
        one_error(done, 2, "impersonating.yaml:1: id", DEFAULT)
