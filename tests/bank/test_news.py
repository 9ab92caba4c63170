"""The public news: beacons, revocations, and the audit log that they vouch for."""

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import limits, policy
from tests import opg1_builder as builder
from tests.bank.opg1_teller import (
    DAY_S,
    Board,
    Opg1Teller,
    entry,
    unbundle,
)
from tests.opg1_builder import sha256

GRACE_OVER_S = policy.PURSE_DAYS * DAY_S + policy.GRACE_H * 3_600 + limits.END_SLACK_S + 1


def test_news(opg1: Opg1Teller, anna: Board) -> None:
    first = unbundle(opg1.client.get("/news").get_data())
    assert [number for number, _ in first] == [18, 10]
    builder.check_signature(opg1.root, opg1.realm8, "BKEY", first[0][1])
    purses = [opg1.top_up(anna, 10_00, str(n)) for n in range(2)]
    for purse in purses:
        opg1.report(anna, purse, [entry(4, purse.close())])
    root = sha256(sha256(bytes(32) + purses[0].id8) + purses[1].id8)
    for since in (0, 1, 2, 9):
        (_, (_, beacon), *deltas) = unbundle(opg1.client.get(f"/news?from={since}").get_data())
        message = builder.check_signature(opg1.kb, opg1.realm8, "BEACON", beacon)
        assert int.from_bytes(message[6:10]) == opg1.now
        assert (int.from_bytes(message[10:14]), message[32:64]) == (2, root)
        ids = b"".join(
            builder.check_signature(opg1.kb, opg1.realm8, "REVDELTA", data)[16:]
            for _, data in deltas
        )
        assert ids == b"".join(purse.id8 for purse in purses)[8 * since :]


def test_a_beacon_is_made_anew_when_it_is_old_and_never_goes_back(opg1: Opg1Teller) -> None:
    def beacon() -> tuple[int, int]:
        data = dict(unbundle(opg1.client.get("/news").get_data()))[10]
        return int.from_bytes(data[2:6]), int.from_bytes(data[6:10])

    seq, t = beacon()
    opg1.now += limits.BEACON_AGE_S - 1
    assert beacon() == (seq, t)
    opg1.now += 1
    assert beacon() == (seq + 1, opg1.now)
    now = opg1.now
    opg1.now -= 1_000
    assert beacon()[1] == now


def test_the_beacon_vouches_for_the_audit_log(opg1: Opg1Teller, owner: Cursor) -> None:
    opg1.board("anna", 1_00)
    owner.execute("UPDATE audit_logs SET at = at - interval '1 hour'")
    data = dict(unbundle(opg1.client.get("/news").get_data()))[10]
    owner.execute("SELECT head, row_count FROM audit_checkpoints")
    ((head, count),) = owner.fetchall()
    assert (data[64:96], count > 3) == (bytes(head), True)
    assert opg1.violations() == {}
    owner.execute("UPDATE audit_logs SET reason = 1 WHERE action = 'enrol' RETURNING audit_id")
    assert owner.rowcount == 1
    assert set(opg1.violations()) >= {"the audit log is as its checkpoints say"}
    owner.execute("UPDATE audit_logs SET reason = 0 WHERE action = 'enrol'")
