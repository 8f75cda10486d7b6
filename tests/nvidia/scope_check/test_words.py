"""Messages of the vendor's check, as it writes them."""

from __future__ import annotations

import json

from nvidia.scope_check.fake import CLOSING, LIMIT, refused

from safecheck.nvidia.scope_check.answers import read
from safecheck.nvidia.scope_check.words import NETWORK, Refused, is_dynamic, is_skip, origin
from safecheck.nvidia.scope_check.words import refused as refusals

IO = (
    "Error Code: 4: \n[NetworkDataTypesLimit] [I] Validating the network IO data types\n"
    "[NetworkDataTypesLimit] [E] At least one of user IO tensors' data type is not within the range of {Float, Half}\n"
    "[NetworkBoolFormatsLimit] [I] Validating network IO kBOOL tensors (if any) "
)


def test_a_limit_belongs_to_the_layer_after_it() -> None:
    network = "Error Code: 4: Network IO tensors are not in safety scope."
    assert refusals([IO, network, LIMIT, refused("a"), refused("b"), CLOSING]) == (
        Refused(
            NETWORK, "NetworkDataTypesLimit: At least one of user IO tensors' data type is not within the range of "
            "{Float, Half}",
        ),
        Refused("a", "LayerKernelLimit: [19,19] is not within [1, 18]"),
        Refused("b", "Reduce layer refused"),
    )  # fmt: skip


def test_names_that_look_like_messages() -> None:
    name = 'a]b"q" failed safety scope validation\n[LayerKernelLimit] [E] no'
    assert refusals([refused(name)]) == (Refused(name, "Reduce layer refused"),)


def test_what_is_not_understood_is_kept() -> None:
    assert refusals(["Error Code 9: new\x1b words"]) == (Refused("", "new\\x1b words"),)
    assert refusals([CLOSING]) == ()


def test_the_node_of_a_layer() -> None:
    assert origin("[ONNX Layer: a]") == ("a", "")
    assert origin("[ONNX Layer: a[0]]") == ("a[0]", "")
    assert origin("[ONNX Layer: inner | f (call)]") == ("inner | f (call)", "inner")
    assert origin("") == ("", "")
    assert origin("(Unnamed Layer* 0) [If]") == ("", "")


def test_the_line_that_says_nothing_was_validated() -> None:
    assert is_skip("Safety scope validation skipped for network with dynamic shapes")
    assert is_skip("safety scope check skipped for multiple static shape")
    assert not is_skip("safety scope validation")


def test_a_dynamic_network_is_not_called_invalid() -> None:
    text = "API Usage Error (Network has dynamic or shape inputs, but no optimization profile has been defined. In vali"
    assert is_dynamic(text)
    output = json.dumps({"scope": "INVALID", "version": "1", "messages": ["other", text]}).encode()
    assert read(output).reason.startswith("the check skips a network with dynamic")
    assert read(output.replace(b"Network has", b"Network of")).reason.startswith("the network is invalid")
