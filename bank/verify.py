"""What the bank thinks of a ledger: plain functions over data, no database, no clock.

Structure is all or nothing: `place` refuses the ledger. Value is judged entry by entry, and
no entry holds up another; what one entry of a batch spends, the next cannot.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bank.queries.ledgers import Position, StoredEntry
from bank.queries.transfers import PAYMENT, Known, Transfer
from firmware.common.crypto import sha256
from firmware.common.interchange.ledger import LedgerBatch, LedgerEntry
from firmware.common.interchange.transaction import Transaction, check_signature
from firmware.common.payment.ledger import GENESIS, link
from firmware.common.payment.receipt import DUPLICATE, REFUSED, SETTLED, UNGUARANTEED
from firmware.common.wire.errors import (
    CHAIN_BROKEN,
    FROZEN,
    LEDGER_FORK,
    MALFORMED,
    NO_FUNDS,
    NOT_ENROLLED,
    NOT_FOR_ME,
    OK,
    REPLAY,
    WRONG_WALLET,
    Refused,
)

DEFAULT_WALLET = ""


@dataclass(frozen=True)
class Payee:
    """Whose ledger it is, and which of that account's devices and ledgers."""

    account_id: str
    device_id: bytes
    generation: int = 0

    @property
    def genesis(self) -> str:
        """What the first entry's hash is linked to."""
        later = f":{self.device_id.hex()}:{self.generation}" if self.generation else ""
        return GENESIS + later


@dataclass(frozen=True)
class Verdict:
    """What was decided about one entry; `detail` is for the log."""

    ledger_index: int
    txn_id: str
    txn_hash: str
    verdict: int
    reason: int
    detail: str = ""


def device_id(signing_key: bytes) -> bytes:
    """The 8 bytes that name a device, from its 64-byte signing key."""
    return sha256(signing_key)[:8]


def place(
    batch: LedgerBatch, payee: Payee, position: Position, known: Mapping[int, StoredEntry]
) -> None:
    """Checks that the batch continues, or repeats, what the bank knows of this ledger.

    `known` holds the entries judged before, from the one before the batch to its end.
    Raises `Refused` with CHAIN_BROKEN or LEDGER_FORK.
    """
    if not batch.entries:
        raise Refused(MALFORMED, "the ledger has no entries")
    first = batch.entries[0]
    if first.ledger_index > position.last_index + 1:
        raise Refused(
            CHAIN_BROKEN,
            f"it starts at {first.ledger_index}; the bank's copy ends at {position.last_index}",
        )
    for entry in batch.entries:
        stored = known.get(entry.ledger_index)
        if stored and stored.entry_hash.hex() != entry.hash:
            raise Refused(LEDGER_FORK, f"entry {entry.ledger_index} is not the one sent before")
    before = known.get(first.ledger_index - 1)
    prev = before.entry_hash.hex() if before else payee.genesis
    if first.hash != link(prev, first.txn_hash):
        raise Refused(CHAIN_BROKEN, f"entry {first.ledger_index} does not follow the bank's copy")


def is_open(stored: StoredEntry | None) -> bool:
    """Whether an entry is to be judged: it is new, or was not paid for the time being."""
    return stored is None or stored.verdict == UNGUARANTEED


def check_signatures(entries: Iterable[LedgerEntry]) -> dict[int, Refused]:
    """Why entries are refused that are wrong in themselves, by index."""
    refusals = {}
    for entry in entries:
        try:
            check_signature(readable(entry))
        except Refused as refused:
            refusals[entry.ledger_index] = refused
    return refusals


def check_parties(
    entries: Iterable[LedgerEntry], payee: Payee, signers: Mapping[tuple[str, bytes], bool]
) -> dict[int, Refused]:
    """Why entries are refused for who pays whom, by index; the signatures are right already.

    `signers` says of (account_id, signing_key) that are enrolled whether they are frozen.
    """
    refusals = {}
    for entry in entries:
        payment = readable(entry)
        frozen = signers.get((payment.from_id, payment.sender_public_key))
        if frozen is None:
            refused = Refused(NOT_ENROLLED, "the payer's key is not enrolled for its account")
        elif frozen:
            refused = Refused(FROZEN, "the payer is frozen")
        elif payment.to_id != payee.account_id:
            refused = Refused(NOT_FOR_ME, "it names another payee")
        elif payment.from_id == payment.to_id:
            refused = Refused(MALFORMED, "payer and payee are the same")
        else:
            continue
        refusals[entry.ledger_index] = refused
    return refusals


def judge(
    entries: Iterable[LedgerEntry],
    payee: Payee,
    refusals: Mapping[int, Refused],
    balances: Mapping[tuple[str, str], int],
    transfers: Mapping[tuple[str, str], Known],
) -> list[Verdict]:
    """A verdict per entry, in order; `refusals` are what was found before.

    A freeze may be lifted, so a payment of a frozen payer is not refused for good.
    """
    left, spent = dict(balances), dict(transfers)
    verdicts = []
    for entry in entries:
        refused = refusals.get(entry.ledger_index)
        if refused is None:
            verdicts.append(_judge_payment(entry, payee, left, spent))
        else:
            verdict = UNGUARANTEED if refused.reason == FROZEN else REFUSED
            verdicts.append(_verdict(entry, verdict, refused.reason, refused.detail))
    return verdicts


def transfer(entry: LedgerEntry, payee: Payee) -> Transfer:
    """The movement of money that settles an entry."""
    payment = readable(entry)
    return Transfer(
        *wallet(payment),
        payee.account_id,
        DEFAULT_WALLET,
        payment.txn_id,
        payment.amount_minor,
        bytes.fromhex(payment.hash),
        payee.device_id,
        payee.generation,
        entry.ledger_index,
    )


def wallet(payment: Transaction) -> tuple[str, str]:
    """(account_id, wallet_id) that a payment is paid from."""
    return payment.from_id, payment.wallet_id or DEFAULT_WALLET


def readable(entry: LedgerEntry) -> Transaction:
    """The entry's transaction; raises what was wrong with it where there is none."""
    if entry.transaction is None:
        raise entry.refused or Refused(MALFORMED, "it holds no transaction")
    return entry.transaction


def _judge_payment(
    entry: LedgerEntry,
    payee: Payee,
    left: dict[tuple[str, str], int],
    spent: dict[tuple[str, str], Known],
) -> Verdict:
    payment = readable(entry)
    txn_hash = bytes.fromhex(payment.hash)
    key, source = (payment.from_id, payment.txn_id), wallet(payment)
    if key in spent:
        if spent[key].txn_hash == txn_hash:
            return _verdict(entry, DUPLICATE, OK)
        return _verdict(entry, REFUSED, REPLAY, "its txn_id belongs to another payment")
    if source not in left:
        return _verdict(entry, REFUSED, WRONG_WALLET, "the payer has no such wallet")
    if left[source] < payment.amount_minor:
        return _verdict(entry, UNGUARANTEED, NO_FUNDS)
    left[source] -= payment.amount_minor
    place_of_entry = (payee.device_id, payee.generation, entry.ledger_index)
    spent[key] = Known(PAYMENT, payee.account_id, payment.amount_minor, txn_hash, place_of_entry)
    return _verdict(entry, SETTLED, OK)


def _verdict(entry: LedgerEntry, verdict: int, reason: int, detail: str = "") -> Verdict:
    txn_id = entry.transaction.txn_id if entry.transaction else ""
    return Verdict(entry.ledger_index, txn_id, entry.txn_hash, verdict, reason, detail)
