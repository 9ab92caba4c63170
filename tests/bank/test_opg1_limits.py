"""The bounds of OPG1 at the bank: exactly at one works, one above is refused."""

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extras import execute_values

from bank import audit_chain, authority, limits, policy
from bank.config import Settings
from firmware.common.wire.errors import BAD_CODE, CANNOT_OPEN, MALFORMED, OVER_LIMIT, TOO_LARGE
from firmware.common.wire.limits import REVOCATIONS_MAX, SYNC_ENTRIES_MAX
from tests.bank.opg1_teller import (
    CLOSING,
    OVER,
    PENDING,
    SETTLED,
    Board,
    Opg1Teller,
    entry,
    reason,
    unbundle,
)
from tests.bank.test_root import opg
from tests.opg1_builder import sha256


@pytest.mark.parametrize(
    ("path", "number", "bytes_max", "refused"),
    [
        ("enrol", 17, limits.ENROLMENT_BYTES_MAX, CANNOT_OPEN),
        ("renew", 1, limits.CERTIFICATE_BYTES_MAX, MALFORMED),
        ("sync", 16, limits.SYNC_BYTES_MAX, CANNOT_OPEN),
        ("settle-ledger", 14, limits.SEALED_BYTES_MAX, CANNOT_OPEN),
    ],
)
def test_bodies(opg1: Opg1Teller, path: str, number: int, bytes_max: int, refused: int) -> None:
    largest = bytes([number]) + bytes(bytes_max - 1)
    assert reason(opg1.post_bytes(path, largest)) == refused
    assert reason(opg1.post_bytes(path, largest + b"\0")) == TOO_LARGE


def test_proofs(opg1: Opg1Teller) -> None:
    """Worthless ones, which are read as far as that."""
    proof = bytes([12]) + (452).to_bytes(2) + bytes(452)
    largest = proof * limits.PROOFS_MAX
    assert len(largest) == limits.PROOFS_BYTES_MAX
    assert reason(opg1.post_bytes("proofs", largest)) == MALFORMED
    assert reason(opg1.post_bytes("proofs", largest + b"\0")) == TOO_LARGE
    small = bytes([7]) + (148).to_bytes(2) + bytes(148)
    many = small * (limits.PROOFS_MAX + 1)
    assert reason(opg1.post_bytes("proofs", many)) == TOO_LARGE


def test_the_largest_report_fits(opg1: Opg1Teller, anna: Board, bert: Board) -> None:
    """Every payment that a purse can make, each with its answer; more than a SYNC holds."""
    purse = opg1.top_up(anna)
    txns = [purse.pay(bert, 1) for _ in range(policy.CTR_MAX)]
    report = [entry(2, txn, opg1.ack(bert, txn)) for txn in txns]
    report += report[: SYNC_ENTRIES_MAX - len(report)]
    assert len(opg1.report(anna, purse, report).verdicts) == policy.CTR_MAX
    assert opg1.balance("bert") == policy.CTR_MAX
    assert reason(opg1.sync(anna, purse, [*report, report[0]])) == TOO_LARGE


def test_the_counter_of_a_closing(opg1: Opg1Teller, anna: Board) -> None:
    """It has 32 bits and ctr_max is not for it; what is refused revokes nothing."""
    purse = opg1.top_up(anna)
    for ctr in (2**32 - 1, limits.COUNTER_MAX + 1):
        close = purse.clone().close(ctr=ctr)
        assert opg1.report(anna, purse, [entry(CLOSING, close)]).verdicts == {ctr: OVER}
    assert opg1.stored(purse).state == "open"
    last = purse.close(ctr=limits.COUNTER_MAX)
    verdicts = opg1.report(anna, purse, [entry(CLOSING, last)]).verdicts
    assert verdicts == {limits.COUNTER_MAX: SETTLED}
    assert opg1.stored(purse).state == "closed"


def test_codes(opg1: Opg1Teller) -> None:
    assert policy.DAY_S == 24 * 60 * 60
    accounts = [f"account-{n}" for n in range(limits.CODES_ALIVE_MAX + 1)]
    for account in accounts:
        opg1.operate("accounts", account_id=account, name=account)
    codes = [opg1.code(account) for account in accounts[:-1]]
    assert {(len(code), code.isdecimal()) for code in codes} == {(limits.CODE_DIGITS, True)}
    assert reason(opg1.operate("codes", account_id=accounts[-1])) == OVER_LIMIT
    opg1.code(accounts[0])  # instead of the one it had
    opg1.now += limits.CODE_LIFE_S - 1
    assert reason(opg1.operate("codes", account_id=accounts[-1])) == OVER_LIMIT
    opg1.now += 1
    assert opg1.code(accounts[-1])


def test_tries(opg1: Opg1Teller) -> None:
    opg1.operate("accounts", account_id="anna", name="anna")
    for tries, status in ((limits.CODE_TRIES_MAX - 1, 202), (limits.CODE_TRIES_MAX, 400)):
        board, code = Board("anna", str(tries)), opg1.code("anna")
        for _ in range(tries):
            assert reason(opg1.ask(board, "wrong")) == BAD_CODE
        assert opg1.ask(board, code).status_code == status


def test_news(opg1: Opg1Teller, owner: Cursor) -> None:
    rows, root = [], bytes(32)
    for n in range(1, limits.NEWS_DELTAS_MAX * REVOCATIONS_MAX + 2):
        root = sha256(root + n.to_bytes(8))
        rows.append((n, n.to_bytes(8), root, "anna"))
    execute_values(owner, "INSERT INTO revocations (seq, id8, root, account_id) VALUES %s", rows)
    deltas = [d for number, d in unbundle(opg1.client.get("/news").get_data()) if number == 11]
    assert len(deltas) == limits.NEWS_DELTAS_MAX
    until = int.from_bytes(deltas[-1][6:10])
    assert until == len(rows) - 1
    (*_, (number, last)) = unbundle(opg1.client.get(f"/news?from={until}").get_data())
    assert (number, last[16:24]) == (11, rows[-1][1])


def test_a_beacon_lives_so_long(opg1: Opg1Teller) -> None:
    beacons = []
    for seconds in (0, limits.BEACON_AGE_S - 1, 1):
        opg1.now += seconds
        beacons.append(opg1.client.get("/news").get_data())
    assert (beacons[0] == beacons[1], beacons[1] == beacons[2]) == (True, False)


def test_endings(
    opg1: Opg1Teller, anna: Board, bert: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many at a time, and none before its last payment can have been settled."""
    monkeypatch.setattr(limits, "ENDINGS_MAX", 2)
    purses = [opg1.top_up(anna, 10_00, str(n)) for n in range(3)]
    txn = purses[0].pay(bert, 1)
    assert opg1.report(anna, purses[0], [entry(1, txn)]).verdicts == {1: PENDING}
    opg1.now = opg1.stored(purses[0]).deadline + limits.END_SLACK_S
    assert opg1.operate("lapse").get_json() == {"ended": 0}
    opg1.now += 1
    assert [opg1.operate("lapse").get_json()["ended"] for _ in range(3)] == [2, 1, 0]


def test_a_checkpoint_covers_old_rows_some_at_a_time(
    opg1: Opg1Teller, owner: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AUDIT_ROWS_MAX", 2)
    for n in range(5):
        opg1.operate("accounts", account_id=f"a{n}", name="a")
        age_s = limits.AUDIT_LAG_S + (60 if n < 3 else -60)
        owner.execute(
            "UPDATE audit_logs SET at = now() - make_interval(secs => %s) WHERE account_id = %s",
            (age_s - n, f"a{n}"),
        )
    counts = []
    for _ in range(3):
        opg1.now += limits.BEACON_AGE_S
        opg1.client.get("/news")
        owner.execute("SELECT row_count FROM audit_checkpoints ORDER BY seq")
        counts.append([count for (count,) in owner.fetchall()])
    assert counts == [[2], [2, 1], [2, 1]]


def test_so_many_beacons_are_checked(opg1: Opg1Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    authority_ = opg1.bank.authority
    for _ in range(3):
        opg1.client.get("/news")
        opg1.now += limits.BEACON_AGE_S
    for bound, signed in ((limits.BEACONS_CHECKED_MAX, 3), (3, 3), (2, 2)):
        monkeypatch.setattr(limits, "BEACONS_CHECKED_MAX", bound)
        proof = opg1.bank.database.run(lambda cursor: audit_chain.verify(cursor, authority_))
        assert (proof.beacons, proof.signed, proof.broken) == (3, signed, [])


def test_how_long_a_bkey_may_last(settings: Settings) -> None:
    for days, code in ((limits.BKEY_DAYS_MAX, 0), (limits.BKEY_DAYS_MAX + 1, 2), (0, 2)):
        out = str(settings.key_dir / "other.json")
        done = opg(settings, "root", "sign-bkey", "--days", str(days), "--out", out)
        assert done.exit_code == code
    assert authority.root_public(settings.root_dir)
