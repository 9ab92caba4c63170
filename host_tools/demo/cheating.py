"""What cheats try: bad files, and a copied board that pays two shops with one counter."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from firmware.common.interchange import base64
from firmware.common.payment import verdicts
from firmware.common.payment.certificate import check_bank_key
from firmware.common.payment.news import check_revocations, revoked_ids
from firmware.common.payment.proof import check_proof
from firmware.common.wire.errors import Refused
from firmware.common.wire.messages import REVDELTA
from firmware.common.wire.signed import realm
from host_tools import bundle
from host_tools.bank_client import BankClient
from host_tools.demo import hands
from host_tools.demo.hands import Hand, Say
from host_tools.emulator.wire import Wire

SHOP, CLONE = "carol", "clone"
_AT_FIRST_MINOR, _AT_SECOND_MINOR = 2_00, 3_00
_BKEY_BYTES = 202

Attempt = tuple[str, Callable[[], Any]]


def bad_files(payer: Hand, payee: Hand, envelope: bytes) -> list[Attempt]:
    """Payments by file, each of which must be refused; `envelope` is a good one."""
    good = json.loads(envelope)
    payload = good["encrypted_payload"]
    altered = dict(good, encrypted_payload=("A" if payload[0] != "A" else "B") + payload[1:])
    other_key = json.loads(payee.device.call("key")[0]["signing_key"])
    other_sender = dict(good, sender_public_key=other_key)

    def give(form: dict[str, Any]) -> Callable[[], Any]:
        return lambda: payee.device.call("import", json.dumps(form).encode())

    def propose(account: str, amount_minor: int) -> Callable[[], Any]:
        return lambda: payer.device.call("pay", to=account, amount=amount_minor)

    return [
        ("an altered envelope", give(altered)),
        ("an envelope under another's key", give(other_sender)),
        ("an envelope with another txn_id", give(dict(good, txn_id=""))),
        ("a payee nobody imported", propose("mallory", 1_00)),
        ("an amount of nothing", propose(payee.account, 0)),
    ]


class Twins:
    """A payer's board and its copy, at two shops that hear of each other too late."""

    def __init__(self, bank: BankClient, first: Hand, second: Hand) -> None:
        self._bank = bank
        self._first, self._second = first, second

    def verdicts(self) -> set[int]:
        """What the bank said of the last payment of each shop."""
        return {_last(shop)["verdict"] for shop in (self._first, self._second)}

    def is_proven(self) -> bool:
        """Whether anybody can tell from what the bank publishes that the purse was spent twice."""
        purse = bytes.fromhex(_last(self._first)["purse"])
        keys = self._bank.public_keys()
        root = bytes.fromhex(keys["root_public_key"])
        banks = [check_bank_key(root, base64.decode(keys["bkey"], _BKEY_BYTES))]
        try:
            proven = check_proof(realm(root), banks, self._bank.proof(purse.hex()))
            deltas = [m for n, m in bundle.split(self._bank.news(0)) if n == REVDELTA.number]
            revoked = [revoked_ids(check_revocations(realm(root), banks, m)) for m in deltas]
        except Refused:
            return False
        return proven.purse == purse and any(purse in ids for ids in revoked)


def spend_twice(
    home: Path,
    bank: BankClient,
    payer: Hand,
    payee: Hand,
    enrol: Callable[[Hand], None],
    bridge: Callable[[Hand, Hand], None],
    count: Callable[[Hand], None],
    say: Say,
) -> bool:
    """Whether bank and public found out that a copied board spent one counter twice."""
    hands.copy_board(payer, home / CLONE)
    with ExitStack() as stack:
        shop = stack.enter_context(hands.holding(home, SHOP, "receiver"))
        enrol(shop)
        clone = stack.enter_context(hands.holding(home, CLONE))
        stack.enter_context(Wire(clone.board.tap_port, shop.board.tap_port))
        for who, where, amount_minor in (
            (payer, payee, _AT_FIRST_MINOR),
            (clone, shop, _AT_SECOND_MINOR),
        ):
            if hands.tap(who, where, amount_minor)["outcome"] != "PAID":
                return False
            where.put_away()
        say("copy a board, pay two shops", "both offline, both RECEIVED")
        bridge(payee, shop)
        twins = Twins(bank, payee, shop)
        found = twins.verdicts()
        count(payee)
        count(shop)
        caught = found == {verdicts.SETTLED, verdicts.CONFLICT_COVERED} and twins.is_proven()
    say("find out", "both shops are paid, the purse is revoked, proven" if caught else "NOT CAUGHT")
    return caught


def _last(shop: Hand) -> dict[str, Any]:
    """The last entry of a till."""
    count = shop.device.call("total")[0]["guaranteed"]["count"]
    return shop.device.call("entries", first=count - 1)[0]["entries"][-1]
