"""The ledger in JSON: entries, and the encrypted ledger a receiver sends to the bank.

    entry      = {"ledger_index", "transaction", "hash", "status"}
                 hash = link(prev, transaction.hash)
    plaintext  = {"ledger": [entries], "hash": H, "signature": S, "receiver_public_key": JWK}
    H          = hex SHA-256 of the compact JSON of the entries array
    S          = ECDSA P-256 over SHA-256(bytes of H), by the receiver's signing key
    sent       = the plaintext sealed (see `sealed`) to the bank's ECDH key

Opening tells structure from value: a fault of the structure raises; a transaction that does
not parse is kept with its reason, so that it holds up no other entry.
"""

from binascii import hexlify

from firmware.common import crypto
from firmware.common.interchange import base64, jwk, sealed, stringify, transaction
from firmware.common.interchange.jsontext import items, members, string, text_member
from firmware.common.interchange.transaction import Transaction, is_hex, signed_digest
from firmware.common.payment.ledger import link
from firmware.common.wire.errors import BAD_SIGNATURE, CHAIN_BROKEN, MALFORMED, Refused

_ENTRY_MEMBERS = ("hash", "ledger_index", "status", "transaction")
_STATUS = "verified"


class LedgerEntry:
    """One entry; `transaction` is None where it does not parse, `refused` then says why."""

    def __init__(self, ledger_index: int, hash_: str, txn_hash: str, txn_id: str) -> None:
        self.ledger_index = ledger_index
        self.hash = hash_
        self.txn_hash = txn_hash
        self.txn_id = txn_id
        self.transaction: Transaction | None = None
        self.refused: Refused | None = None


class LedgerBatch:
    """What one encrypted ledger holds, its signature and inner chain checked."""

    def __init__(self, entries: list[LedgerEntry], hash_: str, receiver: bytes) -> None:
        self.entries = entries
        self.hash = hash_
        self.receiver_public_key = receiver


def entry_to_json(index: int, transaction_json: str, entry_hash: str) -> str:
    """The compact JSON of one entry."""
    return '{"ledger_index":%d,"transaction":%s,"hash":"%s","status":"%s"}' % (
        index,
        transaction_json,
        entry_hash,
        _STATUS,
    )


def seal_ledger(entries: list[str], private: bytes, public: bytes, bank: bytes) -> str:
    """The encrypted ledger of entries in compact JSON, signed by the receiver's pair."""
    members, ephemeral, _ = sealed.seal(signed(entries, private, public), bank)
    return write(members, ephemeral)


def signed(entries: list[str], private: bytes, public: bytes) -> bytes:
    """The plaintext: the entries in compact JSON, signed by the receiver's pair."""
    array = ("[%s]" % ",".join(entries)).encode()
    batch_hash = _hash(array)
    signature = crypto.sign(private, signed_digest(batch_hash))
    rest = ',"hash":"%s","signature":"%s","receiver_public_key":%s}' % (
        batch_hash,
        base64.encode(signature),
        jwk.jwk_from_public(public),
    )
    return b"".join((b'{"ledger":', array, rest.encode()))


def write(members: str, ephemeral: bytes) -> str:
    """The encrypted ledger's JSON around the members that `sealed.seal` made."""
    return '{%s,"receiver_public_key":%s}' % (members, jwk.jwk_from_public(ephemeral))


def open_ledger(raw: bytes, bank_private: bytes, entries_max: int) -> LedgerBatch:
    """Opens and checks the structure: encoding, signature, and that the entries chain.

    The link of the first entry to what came before is the caller's to check.
    Raises `Refused`.
    """
    return read_ledger(unseal_ledger(raw, bank_private), entries_max)


def unseal_ledger(raw: bytes, bank_private: bytes) -> bytes:
    """What stands inside an encrypted ledger, not looked at yet. Raises `Refused`."""
    found = members(raw)
    ephemeral = jwk.member_key(found, "receiver_public_key")
    return sealed.unseal(found, ephemeral, bank_private)[0]


def read_ledger(plaintext: bytes, entries_max: int) -> LedgerBatch:
    """The inside, its structure checked as `open_ledger` says; the cheap checks come first."""
    inner = members(plaintext)
    receiver = jwk.member_key(inner, "receiver_public_key")
    array = inner.get("ledger", b"")
    batch_hash = _hex64(inner, "hash")
    signature = base64.decode(text_member(inner, "signature"), 64)
    if not crypto.verify(receiver, signed_digest(batch_hash), signature):
        raise Refused(BAD_SIGNATURE, "the receiver's signature is wrong")
    # As it came it is what its maker hashed, unless it gained spaces or escapes on the way.
    if _hash(array) != batch_hash and _hash(stringify.compact(array)) != batch_hash:
        raise Refused(BAD_SIGNATURE, "the ledger's hash is not that of its entries")
    entries = [_entry(item) for item in items(array, entries_max)]
    _check_chain(entries)
    return LedgerBatch(entries, batch_hash, receiver)


def _hash(array: bytes) -> str:
    return hexlify(crypto.sha256(array)).decode()


def _entry(raw: bytes) -> LedgerEntry:
    found = members(raw)
    if tuple(sorted(found)) != _ENTRY_MEMBERS or text_member(found, "status") != _STATUS:
        raise Refused(MALFORMED, "an entry has other members than a verified entry")
    index = found["ledger_index"].decode()
    if not index.isdigit() or len(index) > 9 or str(int(index)) != index:
        raise Refused(MALFORMED, "ledger_index is not a number")
    inner = members(found["transaction"])
    entry = LedgerEntry(
        int(index), _hex64(found, "hash"), _hex64(inner, "hash"), _readable_id(inner)
    )
    try:
        entry.transaction = transaction.parse(found["transaction"])
    except Refused as refused:
        entry.refused = refused
    return entry


def _check_chain(entries: list[LedgerEntry]) -> None:
    for before, entry in zip(entries, entries[1:]):
        follows = entry.ledger_index == before.ledger_index + 1
        if not follows or entry.hash != link(before.hash, entry.txn_hash):
            raise Refused(CHAIN_BROKEN, "entry %d does not follow" % entry.ledger_index)


def _readable_id(found: dict[str, bytes]) -> str:
    """The txn_id for the answer, or nothing where it is no short text."""
    try:
        text = string(found.get("txn_id", b'""'))
    except Refused:
        return ""
    return text if len(text) == 36 else ""


def _hex64(found: dict[str, bytes], name: str) -> str:
    text = text_member(found, name)
    if not is_hex(text, 64):
        raise Refused(MALFORMED, name + " is not 64 hex digits")
    return text
