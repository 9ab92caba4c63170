"""Every bound of the bank; those it shares with boards stand in `firmware.common.wire.limits`."""

LEDGER_ENTRIES_MAX = 4_096  # in one upload
BODY_BYTES_MAX = 10 * 1024 * 1024  # such an upload in base64, each entry at its longest
OPERATOR_BODY_BYTES_MAX = 8 * 1024
NAME_BYTES_MAX = 128  # of an account or a device

PAGE_ROWS = 50
PAGE_ROWS_MAX = 500
PAGE_OFFSET_MAX = 1_000_000_000

WORKERS_MAX = 64
THREADS_PER_WORKER = 4  # each has one database connection at most
CONNECT_TIMEOUT_S = 5
POOL_WAIT_S = 10
STATEMENT_TIMEOUT_MS = 30_000
LOCK_TIMEOUT_MS = 15_000
IDLE_TIMEOUT_MS = 60_000
TRANSACTION_ATTEMPTS_MAX = 8  # after a deadlock, a serialisation failure or a lost connection

DATABASE_START_S = 60
DATABASE_STOP_S = 30
DATABASE_FAILURES_MAX = 10  # one after another, each within seconds of the start
SERVER_START_S = 60
SERVER_STOP_S = 15
