"""A bank, its news, purses and payments for tests: all of it signed, the same in every run."""

from firmware.common.payment import certificate, label, news, purse, transaction
from firmware.common.wire import messages
from firmware.common.wire.codec import Record
from firmware.common.wire.signed import parse_signed, realm, sign
from tests.unit.forms import BANK, BANK_ECDH, Keys

NOW = 1_795_359_666  # seconds since 1970
DAY = 86_400
EUR = 978

ROOT = Keys("root")
REALM = realm(ROOT.public)

POLICY = {
    "stale_days": 7,
    "stale_taps": 200,
    "stale_minor": 500_00,
    "nopin_minor": 10_00,
    "nopin_run": 5,
    "nopin_total": 30_00,
    "payee_pct": 50,
    "purses": 3,
}


def bank_key(keys: Keys = BANK, issued: int = NOW - DAY, not_after: int = NOW + 365 * DAY) -> bytes:
    return certificate.make_bank_key(ROOT.private, keys.public, BANK_ECDH.public, issued, not_after)


def bank() -> Record:
    """The bank's own BKEY, read."""
    return parse_signed(messages.BKEY, bank_key())


def device(public: bytes, ecdh: bytes, name: str = "Bakery Anna", **changes: int) -> bytes:
    """A DCERT of both roles; `changes` replace its own fields."""
    fields = {
        "kind": certificate.PAYER | certificate.PAYEE,
        "pub": public,
        "ecdh": ecdh,
        "name": label.to_bytes(name, 16),
        "issued": NOW - DAY,
        "not_after": NOW + 300 * DAY,
        "rx_limit": 50_00,
        "rx_cum": 1_000_00,
        "flags": 0,
        "serial": 1,
    }
    fields.update(changes)
    return certificate.make_device(REALM, bank(), BANK.private, **fields)


def policy(**changes: int) -> bytes:
    fields: dict = dict(POLICY)
    fields.update(changes)
    return messages.POLICY.pack(**fields)


def beacon(
    seq: int,
    t: int = NOW,
    revoked: tuple = (),
    keys: Keys = BANK,
    rev_root: bytes = b"",
    **changes: int,
) -> bytes:
    """A BEACON that tells of these revoked ids; `changes` are the policy's."""
    root = rev_root or news.extend_root(news.FIRST_ROOT, revoked)
    return news.make_beacon(
        REALM, keys.private, seq, t, len(revoked), policy(**changes), root, bytes(32)
    )


def revocations(since: int, ids: tuple, t: int = NOW, keys: Keys = BANK) -> bytes:
    return news.make_revocations(REALM, keys.private, since, t, ids)


def purse_of(
    keys: Keys, purse8: bytes = b"purse001", signer: Keys = BANK, **changes: int
) -> Record:
    """A signed PURSE for these keys, read."""
    fields = {
        "flags": 0,
        "purse": purse8,
        "pub": keys.public,
        "allowance": 100_00,
        "tx_max": 50_00,
        "ctr_max": 250,
        "cur": EUR,
        "issued": NOW - DAY,
        "not_after": NOW + 13 * DAY,
        "grace_h": 168,
    }
    fields.update(changes)
    made = purse.make_purse(REALM, bank(), signer.private, **fields)
    return parse_signed(messages.PURSE, made)


def pay(
    keys: Keys,
    from_purse: Record,
    ctr: int,
    cum: int,
    amount: int,
    payee: bytes = b"payee001",
    req_hash: bytes = bytes(16),
    **changes: bytes,
) -> Record:
    """A signed TXN, read; unlike `transaction.make_payment` it also makes what no board would."""
    fields = {
        "kind": transaction.PAY,
        "purse": from_purse.purse,
        "ctr": ctr,
        "cum": cum,
        "amount": amount,
        "payee": payee,
        "req_hash": req_hash,
        "prev": bytes(32),
        "t_lb": NOW,
    }
    fields.update(changes)
    body = messages.TXN.pack(**fields)
    return parse_signed(messages.TXN, sign(REALM, messages.TXN, body, keys.private))
