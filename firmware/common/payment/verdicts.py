"""What the bank says of an entry: one closed list, the numbers travel in SRCPT and STATEMENT."""

SETTLED = 0
DUPLICATE = 1  # already settled to this payee by another route
CONFLICT_COVERED = 2
CONFLICT_UNPAID = 3
EXPIRED_LATE = 4
REVOKED_BEFORE = 5
BAD_SIG = 6
OVER_LIMIT = 7
VOIDED = 8
UNGUARANTEED = 9  # JSON forms only: no funds, judged anew each time it comes
LAPSED = 10
RETURNED = 11
PENDING = 12
LAST = PENDING
