"""The invariants of the books, each as a query that finds what breaks it.

Every query yields one text a violation; an intact bank yields none. Those of purses stand in
`purse_checks`.
"""

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank.queries import purse_checks

INVARIANTS = {
    "every balance is the sum of its postings": """
        SELECT format('%s/%s: balance %s, postings %s',
            account_id, concat_ws(' ', nullif(pocket, ''), wallet_id),
            coalesce(balance_minor, 0), coalesce(posted, 0))
        FROM pockets
        FULL JOIN (SELECT account_id, pocket, wallet_id, sum(amount_minor) AS posted
            FROM postings GROUP BY 1, 2, 3) AS sums USING (account_id, pocket, wallet_id)
        WHERE coalesce(balance_minor, 0) <> coalesce(posted, 0)
        """,
    "every transfer's postings are of its amount and add up to zero": """
        SELECT format('%s/%s: %s postings', payer_account, transfer_id, count(p.account_id))
        FROM transfers AS t FULL JOIN postings AS p USING (payer_account, transfer_id)
        GROUP BY payer_account, transfer_id, t.amount_minor, t.payee_account, t.kind
        HAVING count(p.account_id) < 2 OR sum(p.amount_minor) <> 0 OR t.amount_minor IS NULL
            OR (count(p.account_id) > 2 AND t.kind NOT IN ('topup', 'release'))
            OR sum(p.amount_minor) FILTER (WHERE p.amount_minor > 0) <> t.amount_minor
            OR count(*) FILTER (WHERE p.account_id <> payer_account AND p.amount_minor < 0) > 0
            OR count(*) FILTER (WHERE p.account_id <> t.payee_account AND p.amount_minor > 0) > 0
        """,
    "no balance but that of what was issued is below zero": """
        SELECT format('%s/%s: %s', account_id, concat_ws(' ', nullif(pocket, ''), wallet_id),
            balance_minor)
        FROM pockets JOIN accounts USING (account_id)
        WHERE (accounts.kind = 'party' OR wallet_id <> '') AND balance_minor < 0
        """,
    "all balances, reserves and bonds together are zero": """
        SELECT format('sum %s', sum(balance_minor)) FROM pockets
        HAVING sum(balance_minor) <> 0
        """,
    "every settled entry has its one payment, and every payment its entry": """
        SELECT format('%s/%s/%s: entry %s, payment %s', coalesce(e.account_id, t.payee_account),
            encode(coalesce(e.device_id, t.device_id), 'hex'),
            coalesce(e.ledger_index, t.ledger_index), e.txn_id, t.transfer_id)
        FROM (SELECT * FROM ledger_entries WHERE form = 'json' AND verdict = 0) AS e
        FULL JOIN (SELECT * FROM transfers WHERE kind = 'payment') AS t
            ON e.account_id = t.payee_account AND e.device_id = t.device_id
            AND e.generation = t.generation AND e.ledger_index = t.ledger_index
            AND e.txn_hash = t.txn_hash AND e.txn_id = t.transfer_id
        WHERE e.account_id IS NULL OR t.payer_account IS NULL
        """,
    "no entry is settled by two payments": """
        SELECT format('%s/%s/%s: %s payments', payee_account, encode(device_id, 'hex'),
            ledger_index, count(*))
        FROM transfers WHERE kind = 'payment'
        GROUP BY payee_account, device_id, generation, ledger_index HAVING count(*) > 1
        """,
    "every duplicate names a payment that was made": """
        SELECT format('%s/%s/%s: %s', e.account_id, encode(e.device_id, 'hex'), e.ledger_index,
            e.txn_id)
        FROM ledger_entries AS e
        WHERE form = 'json' AND verdict = 1 AND NOT EXISTS (SELECT FROM transfers AS t
            WHERE t.payee_account = e.account_id AND t.transfer_id = e.txn_id
            AND t.txn_hash = e.txn_hash)
        """,
    "every ledger is known without a gap up to its head": """
        SELECT format('%s/%s: last %s, known %s', l.account_id, encode(l.device_id, 'hex'),
            l.last_index, count(e.ledger_index))
        FROM ledgers AS l
        LEFT JOIN ledger_entries AS e USING (account_id, device_id, form, generation)
        GROUP BY l.account_id, l.device_id, l.form, l.generation
        HAVING count(e.ledger_index) <> l.last_index + 1
            OR max(e.ledger_index) <> l.last_index
            OR (array_agg(e.entry_hash ORDER BY e.ledger_index DESC))[1] IS DISTINCT FROM l.head
        """,
    "every entry's hash links it to the one before": """
        SELECT format('%s/%s/%s', account_id, encode(device_id, 'hex'), ledger_index)
        FROM (SELECT *, coalesce(encode(lag(entry_hash) OVER (
                PARTITION BY account_id, device_id, form, generation ORDER BY ledger_index), 'hex'),
                'GENESIS' || CASE generation WHEN 0 THEN ''
                    ELSE format(':%s:%s', encode(device_id, 'hex'), generation) END) AS prev
            FROM ledger_entries) AS chained
        WHERE entry_hash <> sha256(convert_to(prev || encode(txn_hash, 'hex'), 'UTF8'))
        """,
    "every device is in the directory under its account": """
        SELECT format('%s/%s', account_id, encode(device_id, 'hex'))
        FROM devices FULL JOIN device_directory AS d USING (device_id, account_id)
        WHERE devices.signing_key IS NULL OR d.device_id IS NULL
        """,
    "every settled payment is in the audit log": """
        SELECT format('%s/%s', payer_account, transfer_id) FROM transfers
        WHERE NOT EXISTS (SELECT FROM audit_logs WHERE account_id = payee_account
            AND subject = transfer_id::text AND reason = 0)
        """,
    **purse_checks.INVARIANTS,
}


def select_violations(cursor: Cursor, invariant: str) -> list[str]:
    """What breaks the invariant of that name, at most 100."""
    cursor.execute(f"SELECT * FROM ({INVARIANTS[invariant]}) AS found LIMIT 100")  # noqa: S608
    return [text for (text,) in cursor.fetchall()]
