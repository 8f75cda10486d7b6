"""Overlays: the chain of files that one rests on, and the template that `safecheck rules init` writes."""

from __future__ import annotations

from collections.abc import Iterator

from safecheck.errors import SafecheckError
from safecheck.rulebook.load import beside, shipped
from safecheck.rulebook.own_file import read_text
from safecheck.strict.yaml import load


def chain(name: str) -> Iterator[str]:
    """The files of a profile given as a file, itself first; each is named before it is read. None for a shipped one.

    A broken file ends the chain; whoever loads the profile says what is wrong with it.
    """
    seen: set[str] = set()
    while name.partition("@")[0] not in shipped() and name not in seen:
        seen.add(name)
        yield name
        try:
            base = load(read_text(name), name).items().get("extends")
            if base is None:
                return
            name = beside(name, base.text())
        except SafecheckError:
            return


TEMPLATE = """\
# Rules of your own on top of a shipped profile. Check this file with: safecheck rules lint THIS_FILE
# Use it with: safecheck audit model.onnx --profile THIS_FILE
id: my-target                     # your own name
title: Our target, with the evidence we hold
version: "1"
status: draft                     # a release (audit --release) needs status: released
extends: @BASE@

# What may count as allowed. An overlay can only tighten this; leave it out to keep what the profile below accepts.
evidence: {allow: [documented, measured], extrapolated: false}

# Wrong results of this release that users have reported only warn. With this they leave a model undecided:
# strict-defects: true

# Your own bibliography. A licensed document is cited, never quoted.
# kind is one of: vendor documentation, vendor source, vendor header, vendor library, vendor sample, vendor staff reply,
# licensed-document, measurement, third party.
sources:
  safety-supplement:
    title: TensorRT safety supplement for our DRIVE OS release
    kind: licensed-document
    read: the layer table

# Forbidden beats allowed: a rule here can allow what nobody has decided, and forbid more, but not lift a refusal.
# Conditions hold facts (`safecheck rules facts`) against limits: equals, one_of, includes, at_least, at_most, between,
# multiple_of; combine them with all_of, any_of, none_of. A list means all_of. A rule that is in force looks like this:
# `safecheck rules show pool-average-observed`.
rules:
  - id: my-max-pool
    title: Maximum pooling with a window up to 8
    verdict: allowed
    layers: [IPoolingLayer]
    when:
      - {fact: kind, equals: kMAX}
      - {fact: spatial_rank, equals: 2}
      - {fact: window, at_most: 8}
      - {fact: padding, equals: 0}
    grade: documented
    why: The supplement lists it.
    sources: [{ref: safety-supplement, at: pooling row}]
"""
