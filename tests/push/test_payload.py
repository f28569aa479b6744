"""What fits, and what only the right browser can read."""

import os
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key, generate_private_key

from actors.outgoing.port import Entry, Parcel
from actors.outgoing.push.payload import MOST_BYTES, PushMessage, cut, describe, fit, seal
from tests.push.browser import decrypt, point_of, unb64


def message(**fields: Any) -> PushMessage:
    return PushMessage(**{"id": "1", "type": "system", "title": "Hello", "body": "", "data": {}, **fields})


def read(encoded: bytes) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(encoded)
    return found


def test_the_judge_reads_the_example_of_the_rfc() -> None:
    """RFC 8291, appendix A."""
    private = derive_private_key(int.from_bytes(unb64("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")), SECP256R1())
    body = unb64(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
        "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert decrypt(body, private, unb64("BTBZMqHH6r4Tts7J_aSIgg")) == b"When I grow up, I want to be a watermelon"


def test_a_browser_reads_what_was_sealed_for_it_and_no_other_does() -> None:
    private, other, auth = generate_private_key(SECP256R1()), generate_private_key(SECP256R1()), os.urandom(16)
    sealed = seal(b"for one", point_of(private.public_key()), auth)

    assert decrypt(sealed, private, auth) == b"for one"
    for key, secret in ((other, auth), (private, os.urandom(16))):
        with pytest.raises(InvalidTag):
            decrypt(sealed, key, secret)


def test_what_fits_goes_whole_and_fills_a_push_service_to_the_last_byte() -> None:
    whole = message(body="x" * 3_000, data={"chat_id": "7"})
    private = generate_private_key(SECP256R1())
    long = fit(message(body="x" * 5_000), MOST_BYTES)

    assert read(fit(whole, MOST_BYTES)) == msgspec.to_builtins(whole)
    assert len(long) == MOST_BYTES
    assert len(seal(long, point_of(private.public_key()), os.urandom(16))) == 4_096


@pytest.mark.parametrize("letter", ["x", "ü", "語", "🙂", '"', "\n", "\x01"])
def test_a_long_body_is_cut_between_letters_and_says_so(letter: str) -> None:
    encoded = fit(message(body=letter * 4_000, data={"chat_id": "7"}), MOST_BYTES)

    body = read(encoded)["body"]
    assert MOST_BYTES - 12 <= len(encoded) <= MOST_BYTES
    assert body == letter * (len(body) - 1) + "…"
    assert read(encoded)["data"] == {"chat_id": "7"}


def test_data_that_leaves_no_room_goes_as_a_whole() -> None:
    found = read(fit(message(body="y" * 1_000, data={"all": "z" * 3_900}), MOST_BYTES))

    assert (found["body"], found["data"]) == ("y" * 1_000, {})


@pytest.mark.parametrize("most", range(-1, 12))
def test_a_cut_never_is_too_long(most: int) -> None:
    for text in ("", "a", "abcdefgh", "äöü", "\x01\x01", "🙂🙂🙂"):
        short = cut(text, most)
        assert len(msgspec.json.encode(short)) - 2 <= max(0, most)
        assert short == text or not short or short.endswith("…")


def test_a_message_names_the_notification_and_else_its_row() -> None:
    entry = Entry("row", "notice", "system", "Title", "Body", {"a": 1}, "normal", datetime.now(UTC))
    parcel = Parcel("p", "u", "ada", "address", [entry])

    assert describe(parcel) == PushMessage("notice", "system", "Title", "Body", {"a": 1})
    assert describe(parcel._replace(entries=[entry._replace(notification_id=None)])).id == "row"
