"""The terms on which the bank lends its word: of purses, certificates and the boards' caution."""

from firmware.common.wire.messages import POLICY

DAY_S = 86_400
CURRENCY = 978  # ISO 4217: EUR
TX_MAX_MINOR = 50_00
ALLOWANCE_MIN_MINOR = 1_00
ALLOWANCE_MAX_MINOR = 100_00
CTR_MAX = 250
PURSE_DAYS = 14
GRACE_H = 7 * 24
PURSES_MAX = 3  # of one device at a time
PURSES_DAY_MAX = 10  # of one account within 24 hours: each may become a revocation, which stays
BOND_PERCENT = 10  # rounded up
TOPUP_DAY_MINOR_MAX = 300_00  # of one device within 24 hours
RX_LIMIT_MINOR = 50_00  # one payment to a payee
RX_CUM_MINOR = 1_000_00  # what a payee holds unsettled
CERTIFICATE_DAYS = 365

STALE_DAYS = 7
STALE_TAPS = 200
STALE_MINOR = 500_00
PAYEE_PERCENT = 50


def packed() -> bytes:
    """The 18 bytes that stand in a BEACON."""
    return POLICY.pack(
        stale_days=STALE_DAYS,
        stale_taps=STALE_TAPS,
        stale_minor=STALE_MINOR,
        nopin_minor=10_00,
        nopin_run=5,
        nopin_total=30_00,
        payee_pct=PAYEE_PERCENT,
        purses=PURSES_MAX,
    )


def bond_minor(allowance_minor: int) -> int:
    """What is reserved beside an allowance, against conflicts."""
    return -(-allowance_minor * BOND_PERCENT // 100)
