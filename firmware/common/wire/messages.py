"""The messages of OPG1, each declared once: number, name, fields with their sizes in bytes.

What they mean, and who signs them, is in docs/protocol.md.
"""

from firmware.common.wire.codec import Layout

HELLO = Layout("HELLO 0 ver1 caps1 eph64 nonce8")
DCERT = Layout(
    "DCERT 1 ver1 kind1 pub64 ecdh64 name16 issued4 not_after4 rx_limit4 rx_cum4 flags2 serial4"
)
PREQ = Layout(
    "PREQ 2 ver1 flags1 payee8 req_nonce8 amount4 cur2 ttl_s2 ref12 t_lb4 rev_seq4 transcript16"
)
PURSE = Layout(
    "PURSE 3 ver1 flags1 purse8 pub64 allowance4 tx_max4 ctr_max2 cur2 issued4 not_after4 grace_h2"
)
OFFER = Layout("OFFER 4 ver1 flags1 t_lb4 rev_seq4 beacon4 caps2 ctr4 cum4 purse160")
VERDICT = Layout("VERDICT 5 ver1 reason1 req_nonce8 extra2")
TXN = Layout("TXN 6 ver1 kind1 purse8 ctr4 cum4 amount4 payee8 req_hash16 prev32 t_lb4")
ACK = Layout("ACK 7 ver1 0 payee8 txn_hash32 gen2 index4 ledger_head32 t_lb4")
RESUME = Layout("RESUME 8 ver1 0 req_nonce8 txn_hash32")
REFUND = Layout("REFUND 9 ver1 kind1 payee8 txn_hash32 amount4 rctr4 to_purse8 reason4")
BEACON = Layout("BEACON 10 ver1 0 seq4 t4 rev_seq4 policy18 rev_root32 audit_head32")
REVDELTA = Layout("REVDELTA 11 ver1 0 since4 until4 t4 n2 +")
EQUIV = Layout("EQUIV 12 purse160 a146 b146")
VOID = Layout("VOID 13 ver1 reason1 payee8 txn_hash32 req_hash16 t_lb4")
UPLOAD = Layout(
    "UPLOAD 14 ver1 kind1 device8 gen2 first4 n2 prev_head32 head32 nonce8 t_lb4 beacon4 +"
)
SRCPT = Layout("SRCPT 15 ver1 kind1 device8 gen2 first4 n2 new_head32 batch16 net-8 t4 nonce8 +")
SYNC = Layout(
    "SYNC 16 ver1 kind1 device8 purse8 ctr4 cum4 head32 newpub64 amount4 nonce8 t_lb4 n2 +"
)
ENROL = Layout("ENROL 17 ver1 profile1 kd64 ed64 nonce8 fw_hash32 name16 code_mac16")
BKEY = Layout("BKEY 18 ver1 kind1 pub64 ecdh64 issued4 not_after4")
STATEMENT = Layout("STATEMENT 19 ver1 kind1 device8 purse8 nonce8 t4 balance-8 n2 +")

# What stands in BEACON's `policy`.
POLICY = Layout(
    "policy 0 stale_days1 stale_taps2 stale_minor4 nopin_minor4 nopin_run1 nopin_total4 "
    "payee_pct1 purses1"
)
