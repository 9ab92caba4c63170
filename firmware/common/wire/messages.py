"""The messages of OPG1, each declared once: number, name, fields with their sizes in bytes.

What they mean, and who signs them, is in docs/protocol.md.
"""

from firmware.common.wire.codec import Layout

HELLO = Layout(0, "HELLO", "ver1 caps1 eph64 nonce8")
DCERT = Layout(
    1,
    "DCERT",
    "ver1 kind1 pub64 ecdh64 name16 issued4 not_after4 rx_limit4 rx_cum4 flags2 serial4",
)
PREQ = Layout(
    2,
    "PREQ",
    "ver1 flags1 payee8 req_nonce8 amount4 cur2 ttl_s2 ref12 t_lb4 rev_seq4 transcript16",
)
PURSE = Layout(
    3,
    "PURSE",
    "ver1 flags1 purse8 pub64 allowance4 tx_max4 ctr_max2 cur2 issued4 not_after4 grace_h2",
)
OFFER = Layout(4, "OFFER", "ver1 flags1 t_lb4 rev_seq4 beacon4 caps2 ctr4 cum4 purse160")
VERDICT = Layout(5, "VERDICT", "ver1 reason1 req_nonce8 extra2")
TXN = Layout(6, "TXN", "ver1 kind1 purse8 ctr4 cum4 amount4 payee8 req_hash16 prev32 t_lb4")
ACK = Layout(7, "ACK", "ver1 0 payee8 txn_hash32 gen2 index4 ledger_head32 t_lb4")
RESUME = Layout(8, "RESUME", "ver1 0 req_nonce8 txn_hash32")
REFUND = Layout(9, "REFUND", "ver1 kind1 payee8 txn_hash32 amount4 rctr4 to_purse8 reason4")
BEACON = Layout(10, "BEACON", "ver1 0 seq4 t4 rev_seq4 policy18 rev_root32 audit_head32")
REVDELTA = Layout(11, "REVDELTA", "ver1 0 since4 until4 t4 n2", True)
EQUIV = Layout(12, "EQUIV", "purse160 a146 b146")
VOID = Layout(13, "VOID", "ver1 reason1 payee8 txn_hash32 req_hash16 t_lb4")
UPLOAD = Layout(
    14,
    "UPLOAD",
    "ver1 kind1 device8 gen2 first4 n2 prev_head32 head32 nonce8 t_lb4 beacon4",
    True,
)
SRCPT = Layout(
    15,
    "SRCPT",
    "ver1 kind1 device8 gen2 first4 n2 new_head32 batch16 net-8 t4 nonce8",
    True,
)
SYNC = Layout(
    16,
    "SYNC",
    "ver1 kind1 device8 purse8 ctr4 cum4 head32 newpub64 amount4 nonce8 t_lb4 n2",
    True,
)
ENROL = Layout(17, "ENROL", "ver1 profile1 kd64 ed64 nonce8 fw_hash32 name16 code_mac16")
BKEY = Layout(18, "BKEY", "ver1 kind1 pub64 ecdh64 issued4 not_after4")
STATEMENT = Layout(19, "STATEMENT", "ver1 kind1 device8 purse8 nonce8 t4 balance-8 n2", True)
POLICY = Layout(
    0,
    "policy",
    "stale_days1 stale_taps2 stale_minor4 nopin_minor4 nopin_run1 nopin_total4 payee_pct1 purses1",
)  # stands inside BEACON
