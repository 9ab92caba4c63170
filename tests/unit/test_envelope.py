"""The envelope: only its payee opens it, and nobody re-wraps what somebody else signed."""

import json
from binascii import a2b_base64

from firmware.common import crypto
from firmware.common.interchange import envelope, jsontext, transaction
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    CANNOT_OPEN,
    KEY_MISMATCH,
    KEY_MISSING,
    MALFORMED,
    TOO_LARGE,
    Refused,
)
from firmware.common.wire.limits import ENVELOPE_BYTES_MAX
from tests.unit import forms
from tests.unit.forms import OTHER_ECDH, OTHER_PAYER, PAYEE_ECDH, PAYER, flipped, payment, text
from tests.unit.helpers import Seeded, raises, refused


def opened(raw: bytes):
    return envelope.open_envelope(raw, PAYEE_ECDH.private)


def spoilt(reason: int, form: dict, **members) -> str:
    """The envelope with other members is refused for this reason."""
    changed = dict(form)
    changed.update(members)
    return refused(reason, opened, text(changed))


def test_a_web_senders_envelope_opens():
    form = payment(from_id='"\xe4nna"', amount="0.1")
    found, _ = opened(text(forms.envelope(form)))
    assert (found.from_id, found.to_id, found.amount_minor) == ("\xe4nna", "bert", 10)
    assert found.hash == form["hash"][1:-1]


def test_what_a_board_seals_opens_at_the_payees_board_with_the_same_acknowledgement_key():
    made = transaction.parse(text(payment(high_s=True)))
    sealed, ack_key = envelope.seal(made, PAYEE_ECDH.public)
    found, same = opened(sealed.encode())
    assert transaction.to_json(found) == transaction.to_json(made)
    assert len(ack_key) == 32 and ack_key == same


def test_two_envelopes_of_one_payment_share_nothing_that_is_secret():
    made = transaction.parse(text(payment()))
    one, two = (json.loads(envelope.seal(made, PAYEE_ECDH.public)[0]) for _ in range(2))
    for name in ("encrypted_payload", "encrypted_aes_key", "iv", "sender_ecdh_public_key"):
        assert one[name] != two[name]
    assert one["txn_id"] == two["txn_id"] == forms.TXN_ID


def test_the_acknowledgement_key_does_not_open_the_envelope():
    made = transaction.parse(text(payment()))
    sealed, ack_key = envelope.seal(made, PAYEE_ECDH.public)
    found = json.loads(sealed)
    iv, payload = (a2b_base64(found[name]) for name in ("iv", "encrypted_payload"))
    raises(ValueError, crypto.unseal, ack_key, iv, payload)


def test_the_outer_id_may_be_absent_but_not_another():
    form = forms.envelope(payment())
    without = dict(form)
    del without["txn_id"]
    assert opened(text(without))[0].txn_id == forms.TXN_ID
    other = forms.TXN_ID[:-1] + "2"
    spoilt(KEY_MISMATCH, form, txn_id=f'"{other}"')
    spoilt(KEY_MISMATCH, form, txn_id='""')
    spoilt(MALFORMED, form, txn_id="null")
    spoilt(MALFORMED, form, txn_id="5")


def test_an_outer_key_that_is_not_the_signers_is_refused():
    form = forms.envelope(payment())
    spoilt(KEY_MISMATCH, form, sender_public_key=forms.jwk(OTHER_PAYER.public))


def test_a_stolen_payment_sealed_again_by_somebody_else_is_refused():
    stolen = payment()
    stolen["sender_public_key"] = forms.jwk(OTHER_PAYER.public)  # inside and outside
    refused(BAD_SIGNATURE, opened, text(forms.envelope(stolen)))
    resigned = payment(OTHER_PAYER)
    resigned["sender_public_key"] = forms.jwk(PAYER.public)
    refused(BAD_SIGNATURE, opened, text(forms.envelope(resigned)))


def test_a_form_without_the_agreement_key_says_what_is_missing():
    for name in ("sender_ecdh_public_key", "sender_public_key"):
        form = forms.envelope(payment())
        spoilt(KEY_MISSING, form, **{name: "null"})
        del form[name]
        assert name in refused(KEY_MISSING, opened, text(form))


def test_each_other_member_is_needed():
    for name in ("encrypted_payload", "encrypted_aes_key", "iv"):
        form = forms.envelope(payment())
        for wrong in ("null", "5", '"!"', '"AAA"', '"-_-_"'):
            spoilt(MALFORMED, form, **{name: wrong})
        del form[name]
        assert name in refused(MALFORMED, opened, text(form))


def test_an_envelope_for_another_key_does_not_open():
    refused(CANNOT_OPEN, opened, text(forms.envelope(payment(), recipient=OTHER_ECDH)))


def test_an_agreement_key_of_somebody_else_does_not_open():
    form = forms.envelope(payment())
    spoilt(CANNOT_OPEN, form, sender_ecdh_public_key=forms.jwk(PAYER.public))


def test_members_of_two_envelopes_do_not_mix():
    one, two = (
        forms.envelope(payment(), own=own) for own in (forms.Keys("one"), forms.Keys("two"))
    )
    key = two["encrypted_aes_key"]
    spoilt(CANNOT_OPEN, one, encrypted_aes_key=key)
    spoilt(CANNOT_OPEN, one, sender_ecdh_public_key=two["sender_ecdh_public_key"])
    made = transaction.parse(text(payment(amount="7")))
    other = envelope_members(made)
    spoilt(CANNOT_OPEN, one, encrypted_payload=other["encrypted_payload"])
    spoilt(CANNOT_OPEN, one, iv=other["iv"])


def test_every_bit_of_the_sealed_members_counts():
    seeded = Seeded("bits")
    form = forms.envelope(payment())
    for name in ("iv", "encrypted_aes_key", "encrypted_payload"):
        data = a2b_base64(form[name][1:-1])
        for position in [seeded.below(len(data)) for _ in range(24)] + [0, len(data) - 1]:
            bad = flipped(data, position, seeded.below(8))
            spoilt(CANNOT_OPEN, form, **{name: f'"{forms.b64(bad)}"'})
        for other in (data[:-1], data + b"\x00", data[1:], b""):
            reason = CANNOT_OPEN if name == "encrypted_payload" else MALFORMED
            spoilt(reason, form, **{name: f'"{forms.b64(other)}"'})


def test_every_flipped_byte_of_the_file_is_noticed_or_changes_nothing():
    seeded = Seeded("flips")
    raw = text(forms.envelope(payment()))
    for position in [seeded.below(len(raw)) for _ in range(150)]:
        bad = flipped(raw, position, seeded.below(8))
        try:
            found, _ = opened(bad)
        except Refused:
            continue
        # Only what stands outside the encryption and means nothing: the name of "txn_id".
        assert found.hash == payment()["hash"][1:-1]
        assert b'"txn_id"' not in bad


def test_what_was_sealed_must_be_a_payment():
    for plaintext in (b"", b"{}", b"null", b"\xff\xfe", b"12.5", text(payment()) + b"x"):
        form = forms.envelope(payment())
        form.update(forms.sealed(plaintext, PAYEE_ECDH.public))
        refused(MALFORMED, opened, text(form))
    inner = text(payment()).replace(b"12.5", b"12.6")
    spoilt(BAD_SIGNATURE, forms.envelope(payment()), **forms.sealed(inner, PAYEE_ECDH.public))
    inner = text(payment(amount='"12.5"'))
    spoilt(MALFORMED, forms.envelope(payment()), **forms.sealed(inner, PAYEE_ECDH.public))


def test_a_file_that_is_no_envelope_is_refused():
    refused(KEY_MISSING, opened, b"{}")
    for raw in (b"", b"\x00", b"[]", b"null", b"\xff" * 100, b"PK\x03\x04", b"{" * 4_000):
        refused(MALFORMED, opened, raw)


def test_a_file_of_any_size_is_refused_before_it_is_read():
    raw = text(forms.envelope(payment()))
    padded = raw + b" " * (ENVELOPE_BYTES_MAX - len(raw))
    assert opened(padded)[0].txn_id == forms.TXN_ID
    refused(TOO_LARGE, opened, raw + b" " * (ENVELOPE_BYTES_MAX - len(raw) + 1))


def test_the_longest_names_still_fit_an_envelope():
    name = '"' + '\\"' * 64 + '"'
    raw = text(payment(from_id=name, to_id=name, wallet_id=name, prev_hash='"' + "ab" * 32 + '"'))
    sealed, _ = envelope.seal(transaction.parse(raw), PAYEE_ECDH.public)
    assert opened(sealed.encode())[0].wallet_id == '"' * 64


def envelope_members(made: transaction.Transaction) -> dict:
    """A board's envelope as JSON text by member."""
    sealed, _ = envelope.seal(made, PAYEE_ECDH.public)
    return {name: raw.decode() for name, raw in jsontext.members(sealed.encode()).items()}
