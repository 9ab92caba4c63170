"""A bank under test, as boards of OPG1 see it; the independent builder makes what they send."""

import base64
import struct
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from bank.queries import purses
from bank.web import Bank
from tests import opg1_builder as builder
from tests.bank.teller import Teller
from tests.opg1_builder import Key, body, sha256

DAY_S = 86_400
NONCE = b"nonce--8"
VERDICT = 5
ALONE, WITH_ACK, WITH_VOID, CLOSING = 1, 2, 3, 4
SETTLED, DUPLICATE, COVERED, UNPAID, LATE, REVOKED, BAD_SIG, OVER = range(8)
VOIDED, LAPSED, RETURNED, PENDING = 8, 10, 11, 12


class Board:
    """A board's keys; the same name gives the same keys."""

    def __init__(self, account: str, name: str = "") -> None:
        self.account = account
        self.kd, self.ed = Key(f"KD {account}{name}"), Key(f"ED {account}{name}")
        self.device_id = sha256(self.kd.public)[:8]

    def enrol(self, realm8: bytes, code: str, **values: Any) -> bytes:
        """A signed ENROL."""
        fields = {
            "profile": 1,
            "kd": self.kd.public,
            "ed": self.ed.public,
            "nonce": NONCE,
            "fw_hash": sha256(b"firmware"),
            "name": self.account.encode()[:16].ljust(16, b"\0"),
            **values,
        }
        keys = (fields["kd"], fields["ed"], fields["nonce"])
        fields.setdefault("code_mac", builder.code_mac(code.encode(), *keys))
        return self.kd.sign(realm8, "ENROL", body("ENROL", **fields))


@dataclass
class Purse:
    """A signed PURSE with the chain of payments that its board made, or a clone of it."""

    realm8: bytes
    key: Key
    signed: bytes
    ctr: int = 0
    cum: int = 0
    prev: bytes = b""

    @property
    def id8(self) -> bytes:
        return self.signed[2:10]

    def clone(self) -> "Purse":
        return replace(self)

    def pay(self, payee: Board, amount: int, /, **values: Any) -> bytes:
        """The next signed TXN."""
        self.ctr += 1
        self.cum += amount
        fields = {
            "kind": 1,
            "purse": self.id8,
            "ctr": self.ctr,
            "cum": self.cum,
            "amount": amount,
            "payee": payee.device_id,
            "req_hash": sha256(b"request" + bytes([self.ctr]))[:16],
            "prev": self.prev or sha256(self.signed[:-64]),
            "t_lb": 0,
            **values,
        }
        txn = self.key.sign(self.realm8, "TXN", body("TXN", **fields))
        self.prev = sha256(txn[:-64])
        return txn

    def close(self, nonce: bytes = NONCE, /, **values: Any) -> bytes:
        """A signed CLOSE of what is left."""
        (allowance,) = struct.unpack_from(">I", self.signed, 74)
        bank = Board("the bank")
        bank.device_id = self.realm8
        return self.pay(bank, allowance - self.cum, kind=2, req_hash=nonce + bytes(8), **values)


@dataclass
class Statement:
    """An opened STATEMENT: verdict by counter, the purse that came along, the news behind it.

    `refused` is the reason in the VERDICT beside it, 0 where there is none.
    """

    verdicts: dict[int, int]
    balance: int
    purse: bytes
    refused: int
    news: list[tuple[int, bytes]] = field(default_factory=list)


class Opg1Teller(Teller):
    """Enrols boards, gives them purses and takes their reports; its clock is the test's."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self.now = self.bank.clock()
        app.extensions["bank"] = replace(self.bank, clock=lambda: self.now)
        self.realm8 = bytes.fromhex(self.public_keys["realm"])
        self.root = bytes.fromhex(self.public_keys["root_public_key"])
        bkey = base64.b64decode(self.public_keys["bkey"])
        message = builder.check_signature(self.root, self.realm8, "BKEY", bkey)
        self.kb, self.eb = message[2:66], message[66:130]

    def post_bytes(self, path: str, data: bytes) -> TestResponse:
        return self.client.post(f"/{path}", data=data, content_type="application/octet-stream")

    def seal(self, number: int, sender8: bytes, message: bytes) -> bytes:
        return builder.seal_box(Key("eph"), number, sender8, self.realm8, self.eb, message)

    def code(self, account: str, **members: Any) -> str:
        response = self.operate("codes", account_id=account, **members)
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.json["code"]  # pyright: ignore[reportOptionalSubscript]

    def ask(self, board: Board, code: str, **values: Any) -> TestResponse:
        enrol = board.enrol(self.realm8, code, **values)
        return self.post_bytes("enrol", self.seal(17, board.device_id, enrol))

    def words(self, board: Board) -> str:
        """The words as the operator's list has them."""
        rows = self.look("/operator/enrolments")["enrolments"]
        return next(r["words"] for r in rows if r["device_id"] == board.device_id.hex())

    def confirm(self, board: Board) -> TestResponse:
        return self.operate("confirm", device_id=board.device_id.hex(), words=self.words(board))

    def board(self, account: str, funds_minor: int = 0, name: str = "", **members: Any) -> Board:
        """An enrolled board of an account, which is opened and funded."""
        board = Board(account, name)
        self.operate("accounts", account_id=account, name=account)
        code = self.code(account, **members)
        assert self.ask(board, code).status_code == 202
        assert self.confirm(board).status_code == 200
        if funds_minor:
            self.fund(account, funds_minor)
        return board

    def sync(
        self,
        board: Board,
        purse: Purse | None = None,
        entries: list[bytes] | None = None,
        new_key: Key | None = None,
        amount: int = 0,
        path: str = "sync",
        **values: Any,
    ) -> TestResponse:
        box = self.sync_box(board, purse, entries, new_key, amount, **values)
        return self.post_bytes(path, box)

    def sync_box(
        self,
        board: Board,
        purse: Purse | None = None,
        entries: list[bytes] | None = None,
        new_key: Key | None = None,
        amount: int = 0,
        **values: Any,
    ) -> bytes:
        """A sealed SYNC."""
        entries = entries or []
        fields = {
            "kind": 1,
            "device": board.device_id,
            "purse": purse.id8 if purse else bytes(8),
            "ctr": purse.ctr if purse else 0,
            "cum": purse.cum if purse else 0,
            "head": bytes(32),
            "newpub": new_key.public if new_key else bytes(64),
            "amount": amount,
            "nonce": NONCE,
            "t_lb": 0,
            "n": len(entries),
            **values,
        }
        message = board.kd.sign(self.realm8, "SYNC", body("SYNC", b"".join(entries), **fields))
        return self.seal(16, board.device_id, message)

    def report(self, board: Board, *args: Any, **values: Any) -> Statement:
        """The opened answer to a SYNC; everything in it is checked."""
        response = self.sync(board, *args, **values)
        assert response.status_code == 200, response.get_data(as_text=True)
        return self.statement(board, response.get_data(), values.get("nonce", NONCE))

    def statement(self, board: Board, bundle: bytes, asked_nonce: bytes = NONCE) -> Statement:
        """What the bytes of such an answer say."""
        (number, box), *news = unbundle(bundle)
        assert (number, box[0], box[1:9]) == (19, 19, self.realm8)
        signed = builder.open_box(board.ed, board.device_id, box)
        message = builder.check_signature(self.kb, self.realm8, "STATEMENT", signed)
        kind, device, nonce, (balance, n) = (
            message[1],
            message[2:10],
            message[18:26],
            struct.unpack_from(">qH", message, 30),
        )
        assert (device, nonce) == (board.device_id, asked_nonce)
        lines, purse = message[40 : 40 + 5 * n], message[40 + 5 * n :]
        assert len(purse) == (160 if kind == 2 else 0)
        refused = 0
        if news[0][0] == VERDICT:
            version, refused, said_nonce, extra = struct.unpack(">BB8sH", news.pop(0)[1])
            assert (version, said_nonce, extra, kind) == (1, nonce, 0, 1)
        return Statement(dict(struct.iter_unpack(">IB", lines)), balance, purse, refused, news)

    def top_up(self, board: Board, amount: int = 100_00, name: str = "purse") -> Purse:
        key = Key(f"{name} of {board.account}")
        signed = self.report(board, new_key=key, amount=amount).purse
        builder.check_signature(self.kb, self.realm8, "PURSE", signed)
        return Purse(self.realm8, key, signed)

    def no_purse(self, board: Board, *args: Any, **values: Any) -> int:
        """Why a SYNC that asks for a purse gets a STATEMENT without one."""
        found = self.report(board, *args, **values)
        assert found.purse == b"" and found.refused
        return found.refused

    def ack(self, payee: Board, txn: bytes, index: int = 0) -> bytes:
        fields = {"txn_hash": sha256(txn[:-64]), "gen": 0, "index": index, "ledger_head": bytes(32)}
        message = body("ACK", payee=payee.device_id, t_lb=0, **fields)
        return payee.kd.sign(self.realm8, "ACK", message)

    def void(self, payee: Board, txn: bytes) -> bytes:
        fields = {"txn_hash": sha256(txn[:-64]), "req_hash": txn[30:46], "reason": 15}
        message = body("VOID", payee=payee.device_id, t_lb=0, **fields)
        return payee.kd.sign(self.realm8, "VOID", message)

    def reserved(self, purse: Purse) -> tuple[int, int]:
        """(reserve, bond) of a purse."""
        stored = self.stored(purse)
        return stored.reserve_minor, stored.bond_minor

    def stored(self, purse: Purse) -> purses.Purse:
        """The purse as it stands in the books."""
        bank: Bank = self.bank

        def work(cursor: Any) -> purses.Purse:
            ((payer, _),) = purses.select_owners(cursor, [purse.id8]).values()
            key = (payer, purse.id8)
            return purses.select_purses(cursor, [key], lock=False)[key]

        return bank.database.run(work)


def entry(tag: int, txn: bytes, answer: bytes = b"") -> bytes:
    """An entry of a SYNC."""
    return bytes([tag]) + txn + answer


def unbundle(data: bytes) -> list[tuple[int, bytes]]:
    """The messages of type1 || len2 || message, repeated."""
    found = []
    while data:
        number, length = struct.unpack_from(">BH", data)
        assert len(data) >= 3 + length
        found.append((number, data[3 : 3 + length]))
        data = data[3 + length :]
    return found


def reason(response: TestResponse) -> int:
    """The reason of a refusal."""
    assert 400 <= response.status_code < 500, response.get_data(as_text=True)
    return response.get_json()["reason"]
