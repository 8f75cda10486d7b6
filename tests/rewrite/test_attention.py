"""The Attention operator is written out where its meaning is plain, and ends in permitted layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mended import Mended, mended, model, normal, random_feed, run

Q, K = "float[1,4,5,8] q", "float[1,4,7,8] k, float[1,4,7,6] v"


def attended(inputs: str, made: str, call: str, **weights: Any) -> Mended:
    proto = model(f"g ({inputs}) => (float[{made}] y) {{ y = Attention {call} }}", weights, opset=23)
    proto.ir_version = 10
    return mended(proto)


def scores(q: Any, k: Any, scale: float) -> Any:
    return scale * np.einsum("bhld,bhtd->bhlt", q.astype(np.float64), k.astype(np.float64))


def wanted(values: Any, v: Any) -> Any:
    shares = np.exp(values - values.max(-1, keepdims=True))
    return np.einsum("bhlt,bhtd->bhld", shares / shares.sum(-1, keepdims=True), v.astype(np.float64))


def held(case: Mended, want: Any, feed: dict[str, Any]) -> None:
    assert case.weights[1].total == 0, case.reasons
    assert np.abs(run(case.after, feed)[0] - want).max() < 1e-5


@pytest.mark.parametrize(("attributes", "scale"), [("", 8**-0.5), ("<scale = 0.7>", 0.7)])
def test_plain_attention(attributes: str, scale: float) -> None:
    case = attended(f"{Q}, {K}", "1,4,5,6", f"{attributes} (q, k, v)")
    feed = random_feed(case.before)
    held(case, wanted(scores(feed["q"], feed["k"], scale), feed["v"]), feed)


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_a_constant_mask(kind: str) -> None:
    seen = np.random.default_rng(3).random((5, 7)) < 0.6
    seen[:, 2] = True
    mask = seen if kind == "bool" else np.where(seen, 0.5, -np.inf).astype(np.float32)
    case = attended(f"{Q}, {K}", "1,4,5,6", "(q, k, v, mask)", mask=mask)
    feed = random_feed(case.before)
    values = scores(feed["q"], feed["k"], 8**-0.5) + np.where(seen, 0.0 if kind == "bool" else 0.5, -np.inf)
    held(case, wanted(values, feed["v"]), feed)


def test_causal_attention() -> None:
    case = attended(f"{Q}, {K}", "1,4,5,6", "<is_causal = 1> (q, k, v)")
    feed = random_feed(case.before)
    values = scores(feed["q"], feed["k"], 8**-0.5) + np.where(np.tri(5, 7, dtype=bool), 0, -np.inf)
    held(case, wanted(values, feed["v"]), feed)


def test_heads_that_share_keys() -> None:
    case = attended("float[1,4,5,8] q, float[1,2,7,8] k, float[1,2,7,6] v", "1,4,5,6", "<is_causal = 1> (q, k, v)")
    feed = random_feed(case.before)
    keys, values = (np.repeat(feed[name], 2, axis=1) for name in "kv")
    masked = scores(feed["q"], keys, 8**-0.5) + np.where(np.tri(5, 7, dtype=bool), 0, -np.inf)
    held(case, wanted(masked, values), feed)


def test_heads_in_the_channels() -> None:
    text = """g (float[1,1,5,8] a, float[1,1,7,8] b) => (float[1,1,5,8] y) {
        q = Reshape (a, left)
        k = Reshape (b, right)
        z = Attention <q_num_heads = 2, kv_num_heads = 2> (q, k, k)
        y = Reshape (z, made)
    }"""
    views = {"left": np.array([1, 5, 8]), "right": np.array([1, 7, 8]), "made": np.array([1, 1, 5, 8])}
    proto = model(text, views, opset=23)
    proto.ir_version = 10
    case = mended(proto)
    feed = random_feed(case.before)
    q, k = (feed[name].reshape(1, -1, 2, 4).swapaxes(1, 2) for name in "ab")
    held(case, wanted(scores(q, k, 0.5), k).swapaxes(1, 2).reshape(1, 1, 5, 8), feed)


@pytest.mark.parametrize(
    ("inputs", "call", "weights"),
    [
        (f"{Q}, {K}", "<softcap = 2.0> (q, k, v)", {}),
        (f"{Q}, {K}, bool[5,7] m", "(q, k, v, m)", {}),
        (f"{Q}, {K}", "(q, k, v, , pk, pv)", {"pk": normal(1, 4, 2, 8), "pv": normal(1, 4, 2, 6)}),
    ],
)
def test_what_means_more_stays(inputs: str, call: str, weights: dict[str, Any]) -> None:
    assert attended(inputs, "1,4,5,6", call, **weights).operators == ["Attention"]
