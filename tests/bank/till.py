"""A payee's board as the bank sees it: a chained ledger of OPG1, and batches of it."""

import struct
from dataclasses import dataclass, field
from typing import Any

from werkzeug.test import TestResponse

from bank import limits, policy
from tests import opg1_builder as builder
from tests.bank.opg1_teller import DAY_S, NONCE, Board, Opg1Teller, Purse, unbundle
from tests.opg1_builder import body, sha256

UPLOAD, SRCPT, BEACON, REVDELTA, BKEY, ACK, EQUIV = 14, 15, 10, 11, 18, 7, 12
MORE, LAST = 1, 2  # UPLOAD.kind
NO_HEAD = bytes(32)
LIFE_S = policy.PURSE_DAYS * DAY_S + policy.GRACE_H * 3_600  # of a purse, its grace included
ENDED_S = LIFE_S + limits.END_SLACK_S + 1


@dataclass(frozen=True)
class Receipt:
    """An opened SRCPT and the news behind it."""

    verdicts: list[int]
    net: int
    t: int
    signed: bytes
    news: list[tuple[int, bytes]] = field(default_factory=list)


class Till:
    """Appends entries, uploads them, checks every byte of the answer."""

    def __init__(self, opg1: Opg1Teller, board: Board, gen: int = 0) -> None:
        self.opg1, self.board, self.gen = opg1, board, gen
        self.entries: list[bytes] = []
        self.heads: list[bytes] = []
        self.beacon = 0
        self.rctr = 0

    def copy(self, length: int) -> "Till":
        """The same ledger as it was after so many entries: what an old flash holds."""
        till = Till(self.opg1, self.board, self.gen)
        till.entries, till.heads = self.entries[:length], self.heads[:length]
        till.beacon, till.rctr = self.beacon, self.rctr
        return till

    def append(self, *txns: bytes, rev_seq: int = 0, recv_t: int = 0, name: str = "TXN") -> "Till":
        for signed in txns:
            self.entries.append(builder.upload_entry(name, signed, recv_t, rev_seq))
            before = self.heads[-1].hex() if self.heads else self.genesis
            self.heads.append(bytes.fromhex(builder.chain(before, sha256(signed[:-64]))))
        return self

    def refund(self, txn: bytes, amount: int, purse: Purse, /, **values: Any) -> bytes:
        """A signed REFUND, appended."""
        self.rctr += 1
        fields = {
            "kind": 1,
            "payee": self.board.device_id,
            "txn_hash": sha256(txn[:-64]),
            "amount": amount,
            "rctr": self.rctr,
            "to_purse": purse.id8,
            "reason": 0,
            **values,
        }
        signed = self.board.kd.sign(self.opg1.realm8, "REFUND", body("REFUND", **fields))
        self.append(signed, name="REFUND")
        return signed

    @property
    def genesis(self) -> str:
        return f"GENESIS:{self.board.device_id.hex()}:{self.gen}" if self.gen else "GENESIS"

    def message(self, first: int = 0, end: int | None = None, /, **values: Any) -> bytes:
        """A signed UPLOAD of the entries from `first` to before `end`."""
        entries = self.entries[first:end]
        after = first + len(entries)
        fields = {
            "kind": MORE,
            "device": self.board.device_id,
            "gen": self.gen,
            "first": first,
            "n": len(entries),
            "prev_head": self.heads[first - 1] if first else NO_HEAD,
            "head": self.heads[after - 1] if entries else NO_HEAD,
            "nonce": NONCE,
            "t_lb": 0,
            "beacon": self.beacon,
            **values,
        }
        message = body("UPLOAD", b"".join(entries), **fields)
        return self.board.kd.sign(self.opg1.realm8, "UPLOAD", message)

    def post(self, message: bytes) -> TestResponse:
        box = self.opg1.seal(UPLOAD, self.board.device_id, message)
        return self.opg1.post_bytes("settle-ledger", box)

    def upload(self, first: int = 0, end: int | None = None, /, **values: Any) -> TestResponse:
        return self.post(self.message(first, end, **values))

    def settle(self, first: int = 0, end: int | None = None, /, **values: Any) -> Receipt:
        """The answer to an upload; that it answers this one is checked."""
        message = self.message(first, end, **values)
        response = self.post(message)
        assert response.status_code == 200, response.get_data(as_text=True)
        return self.receipt(message, response)

    def receipt(self, message: bytes, response: TestResponse) -> Receipt:
        assert response.mimetype == "application/octet-stream"
        (number, signed), *news = unbundle(response.get_data())
        assert number == SRCPT
        receipt = builder.check_signature(self.opg1.kb, self.opg1.realm8, "SRCPT", signed)
        fields = struct.unpack_from(">BB8sHIH32s16sqI8s", receipt)
        _, kind, device, gen, first, n, head, batch, net, t, nonce = fields
        upload = struct.unpack_from(">BB8sHIH32s32s8s", message)
        assert (kind, device, gen, first, n) == (1, *upload[2:6])
        assert (head, nonce) == (upload[7], upload[8])
        assert batch == sha256(message[:-64])[:16]
        assert len(receipt) == 86 + n
        return Receipt(list(receipt[86:]), net, t, signed, news)

    def hear(self) -> None:
        """Takes the bank's newest beacon, as after a visit of any payer."""
        messages = dict(unbundle(self.opg1.client.get("/news").get_data()))
        (self.beacon,) = struct.unpack_from(">I", messages[BEACON], 2)


def acknowledgement(till: Till, index: int, txn: bytes, **values: Any) -> bytes:
    """The ACK of an entry, as its payer holds it."""
    fields = {
        "payee": till.board.device_id,
        "txn_hash": sha256(txn[:-64]),
        "gen": till.gen,
        "index": index,
        "ledger_head": till.heads[index],
        "t_lb": 0,
        **values,
    }
    return till.board.kd.sign(till.opg1.realm8, "ACK", body("ACK", **fields))


def equiv(purse: Purse, a: bytes, b: bytes) -> bytes:
    """The proof that both were signed; the two stand by counter, then by their bytes."""
    first, second = sorted((a, b), key=lambda txn: (txn[10:14], txn[:-64]))
    return body("EQUIV", purse=purse.signed, a=first, b=second)


def bundle(*messages: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack(">BH", number, len(data)) + data for number, data in messages)


def check_equiv(opg1: Opg1Teller, proof: bytes) -> bytes:
    """The purse's id, proven a cheat from public data alone: by the rule itself."""
    assert len(proof) == 452
    purse, a, b = proof[:160], proof[160:306], proof[306:]
    builder.check_signature(opg1.kb, opg1.realm8, "PURSE", purse)
    for txn in (a, b):
        builder.check_signature(purse[10:74], opg1.realm8, "TXN", txn)
        assert txn[2:10] == purse[2:10]
    (ctr_a, cum_a, _), (ctr_b, cum_b, amount_b) = (
        struct.unpack_from(">III", txn, 10) for txn in (a, b)
    )
    assert (ctr_a == ctr_b and a[:-64] != b[:-64]) or (ctr_a < ctr_b and cum_b - amount_b < cum_a)
    return purse[2:10]


def shop(opg1: Opg1Teller, account: str, name: str = "") -> Till:
    """An enrolled till with today's news."""
    till = Till(opg1, opg1.board(account, name=name))
    till.hear()
    return till


def entry(tag: int, txn: bytes, answer: bytes = b"") -> bytes:
    """An entry of a SYNC."""
    return bytes([tag]) + txn + answer


def report(opg1: Opg1Teller, payer: Board, purse: Purse, *entries: bytes) -> dict[int, int]:
    """Verdict by counter."""
    return opg1.report(payer, purse, list(entries)).verdicts


def judged_reasons(opg1: Opg1Teller) -> list[int]:
    """Of the entries that were not simply settled, oldest first."""
    rows = opg1.look("/bank-logs")["logs"]
    return [row["reason"] for row in reversed(rows) if row["action"] == "judge entry"]
