"""Every bound of what travels or is stored, in one place; units and `max` stand last."""

AMOUNT_MINOR_MAX = 4_000_000_000  # 40,000,000.00
ID_BYTES_MAX = 64  # account, wallet; UTF-8
NAME_BYTES_MAX = 32

JSON_DEPTH_MAX = 8
JSON_MEMBERS_MAX = 32
TRANSACTION_BYTES_MAX = 1_536
ENVELOPE_BYTES_MAX = 4_096

# One link message fits a board's heap beside everything else; larger things go in pieces.
MESSAGE_BYTES_MAX = 5_120
FRAME_PAYLOAD_BYTES_MAX = 240
LINK_RESENDS_MAX = 10  # about 17 s in all; a board that signs cannot answer for a while
LINK_RESEND_MS = 250  # doubled at each resend, up to
LINK_RESEND_MS_MAX = 2_000
TAP_CONNECT_MS = 3_000
TAP_ANSWER_MS = 30_000  # the payee's board verifies meanwhile

LEDGER_BATCH_ENTRIES_MAX = 2  # what a board seals at once; the bank takes more
RECORD_BYTES_MAX = 8_192  # one record of a journal
SEGMENT_BYTES_MAX = 65_536  # one file of a journal in segments
PENDING_MAX = 32  # payments a payer's board holds that nobody has confirmed
PAYEES_MAX = 32
EVENTS_BYTES_MAX = 8_192  # the board's event log, in two halves
STORE_FREE_BYTES_MIN = 65_536  # a board refuses new payments below this

# OPG1
SESSION_MESSAGES_MAX = 256  # sealed in one direction of one connection
BANK_KEYS_MAX = 2  # that a verifier holds at a time
REVOCATIONS_MAX = 512  # in one REVDELTA, which is then a link message still
UPLOAD_ENTRIES_MAX = 4_096  # that the bank takes
UPLOAD_ENTRIES_BOARD_MAX = 16  # that a board sends: what its heap holds twice
SYNC_ENTRIES_MAX = 256  # a purse has at most 250 payments, and one CLOSE

# What a board keeps of OPG1
TIME_KEPT_EVERY_S = 3_600  # t_lb, where no record of a journal tells it
REVOCATIONS_KEPT_MAX = 4_096  # 32 KB of flash, which is read through at each payment
REVDELTAS_BYTES_MAX = 4_096  # of signed messages kept for handing on, in two halves
REVDELTA_HANDED_ON_BYTES_MAX = 1_104  # 128 ids; boards that miss more ask the bank
PROOFS_MAX = 16  # of contradictions, for handing on and for refusing the purse
PROOFS_HANDED_ON_MAX = 2  # the newest, at each tap
SYNC_ENTRIES_BOARD_MAX = 8  # that a board sends
PURSES_MAX = 8  # that a payer's board holds, those that have ended included
REQUEST_TTL_MS_MAX = 120_000  # a payer's board waits no longer for its user
NEWS_MESSAGES_MAX = 16  # that one side takes at the end of a tap
CODE_DIGITS_MAX = 12  # of a one-time code

# A till
SEEN_BUCKETS = 64  # files of rows, by purse
SEEN_ROWS_MAX = 512  # in one of them; 54 KB
TILL_ROWS_UNWRITTEN_MAX = 8  # also answers who resumes soon without a look at flash
TILL_REQUESTS_MAX = 8  # one open, the others stale
TILL_CLOSED_MAX = 32  # the last requests for which a payment is voided, not unknown
TILL_UNSETTLED_MAX = 2_000  # entries the bank has not judged
KNOWN_PURSES_MAX = 4  # whose signature is not looked at again
STALE_S_MAX = 86_400  # then nobody is asked any more: it is closed
REQUEST_TTL_S = 120
TAP_DECIDE_MS = 20_000  # a payer waits so long for the cashier, less than TAP_ANSWER_MS
