"""Every bound of the bank; those it shares with boards stand in `firmware.common.wire.limits`."""

LEDGER_ENTRIES_MAX = 4_096  # in one upload
BODY_BYTES_MAX = 6 * 1024 * 1024  # such an upload in base64, each entry with the longest ids
# Commas and opening brackets, counted before anything is parsed: they are what parsing costs.
ENVELOPE_MARKS_MAX = 64  # what stands outside the encryption
LEDGER_MARKS_MAX = LEDGER_ENTRIES_MAX * 48  # an entry has about 25, beside those in its ids
OPERATOR_BODY_BYTES_MAX = 8 * 1024
BODY_S_MAX = 20  # until all of a body is there
BODIES_MAX = 64  # that one worker reads or holds at a time
DISCARDED_BYTES_MAX = 64 * 1024 * 1024  # of a refused body, before the connection is closed
DISCARD_PAUSE_S = 1  # in it, after which no more is waited for
NAME_BYTES_MAX = 128  # of an account or a device
GENERATIONS_MAX = 1_000  # ledgers of one device, one after another

PAGE_ROWS = 50
PAGE_ROWS_MAX = 500
PAGE_OFFSET_MAX = 1_000_000_000
REASONS_MAX = 256  # a reason is one byte where it travels

WORKERS_MAX = 64
CONNECTIONS_PER_WORKER = 1_024
THREADS_PER_WORKER = 4  # each has one database connection at most
CONNECT_TIMEOUT_S = 5
# Together these stay below the 30 s that a bridge waits for an answer.
POOL_WAIT_S = 5
TRANSACTION_S_MAX = 10  # after which work is not begun again
STATEMENT_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 5_000
IDLE_TIMEOUT_MS = 20_000  # for a host that died without a word and holds locks
TRANSACTION_ATTEMPTS_MAX = 8  # after a deadlock, a conflict or a lost connection

DATABASE_START_S = 60
DATABASE_STOP_S = 30
DATABASE_FAILURES_MAX = 10  # one after another, each within seconds of the start
SERVER_START_S = 60
SERVER_STOP_S = 15

# OPG1. A device's daily top-ups and the terms of its purses; see also `policy`.
SYNC_BYTES_MAX = 96 * 1024  # 256 payments, each with an answer, take 76 KB
SEALED_BYTES_MAX = 1024 * 1024  # a sealed UPLOAD of 4,096 entries has 643 KB
PROOFS_MAX = 8  # checked in one request: three signatures each
PROOFS_BYTES_MAX = PROOFS_MAX * 455
ENROLMENT_BYTES_MAX = 512
CERTIFICATE_BYTES_MAX = 256
COUNTER_MAX = 2**31 - 1  # of a closing, which no purse's ctr_max bounds
CODE_DIGITS = 8
CODE_LIFE_S = 600
CODE_TRIES_MAX = 5
CODES_ALIVE_MAX = 64  # each is tried against what a board sends
NEWS_DELTAS_MAX = 8  # messages of revocations in one answer; who lacks more asks again
BEACON_AGE_S = 60  # an older one is made anew when asked for
ENDINGS_MAX = 200  # purses ended in one transaction
END_SLACK_S = 60  # longer than any settlement takes
AUDIT_LAG_S = 120  # by then every row of the log that bears a time has been committed
BEACONS_CHECKED_MAX = 10_000  # whose signatures `audit verify` looks at: the newest
AUDIT_ROWS_MAX = 100_000  # hashed into one checkpoint
BKEY_DAYS_MAX = 730
