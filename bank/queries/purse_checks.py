"""The invariants of purses and of what is paid from them; see `checks`."""

INVARIANTS = {
    "what a purse has claimed is what its spends consume": """
        SELECT format('%s/%s', payer_account, encode(purse_id, 'hex'))
        FROM purses AS p FULL JOIN spends AS s USING (payer_account, purse_id)
        GROUP BY payer_account, purse_id, p.claimed, p.claimed_minor
        HAVING p.claimed IS DISTINCT FROM coalesce(range_agg(int8range(s.first_minor, s.cum_minor))
                FILTER (WHERE s.ctr IS NOT NULL), '{}'::int8multirange)
            OR p.claimed_minor <> coalesce(sum(s.cum_minor - s.first_minor), 0)
        """,
    "every claim pays the sum of its spends": """
        SELECT format('%s/%s: transfer %s, spends %s', coalesce(t.payer_account, s.payer_account),
            coalesce(t.transfer_id, s.transfer_id), t.amount_minor, s.amount_minor)
        FROM (SELECT * FROM transfers WHERE kind = 'claim') AS t
        FULL JOIN (SELECT payer_account, transfer_id, payee_account,
                sum(reserve_minor) AS amount_minor
            FROM spends WHERE transfer_id IS NOT NULL GROUP BY 1, 2, 3) AS s
            USING (payer_account, transfer_id, payee_account)
        WHERE t.amount_minor IS DISTINCT FROM s.amount_minor
        """,
    "every cover has its transfer, and belongs to a payment": """
        SELECT format('%s/%s/%s', c.payer_account, encode(c.txn_hash, 'hex'), c.source)
        FROM covers AS c FULL JOIN (SELECT * FROM transfers WHERE kind = 'cover') AS t
            ON t.transfer_id = c.transfer_id AND t.payee_account = c.payee_account
            AND t.amount_minor = c.amount_minor
            AND t.payer_account = CASE c.source WHEN 'fund' THEN 'bank' ELSE c.payer_account END
        LEFT JOIN spends AS s ON s.payer_account = c.payer_account AND s.txn_hash = c.txn_hash
        LEFT JOIN conflicts AS o ON o.payer_account = c.payer_account AND o.txn_hash = c.txn_hash
        WHERE c.txn_hash IS NULL OR t.transfer_id IS NULL
            OR num_nonnulls(s.txn_hash, o.txn_hash) <> 1
        """,
    "every payment got what its verdict says, and never more than its amount": """
        SELECT format('%s/%s: verdict %s, got %s of %s',
            payer_account, encode(txn_hash, 'hex'), verdict, got, amount)
        FROM (SELECT payer_account, txn_hash, verdict, cum_minor - first_minor AS amount,
                reserve_minor + coalesce((SELECT sum(amount_minor) FROM covers AS c
                    WHERE c.payer_account = p.payer_account AND c.txn_hash = p.txn_hash), 0) AS got
            FROM (SELECT payer_account, txn_hash, verdict, first_minor, cum_minor, reserve_minor
                FROM spends WHERE status = 'paid' UNION ALL
                SELECT payer_account, txn_hash, verdict, first_minor, cum_minor, 0
                FROM conflicts) AS p) AS paid
        WHERE got > amount OR (verdict IN (0, 2)) <> (got = amount)
        """,
    "no payment is both a spend and a conflict": """
        SELECT format('%s/%s', payer_account, encode(txn_hash, 'hex'))
        FROM spends JOIN conflicts USING (payer_account, txn_hash)
        """,
    "every settled entry of OPG1 has its payment or its refund": """
        SELECT format('%s/%s/%s', account_id, encode(device_id, 'hex'), ledger_index)
        FROM ledger_entries AS e
        WHERE form = 'opg1' AND verdict IN (0, 1, 2, 3)
            AND NOT EXISTS (SELECT FROM spends AS s WHERE s.payer_account = e.payer_account
                AND s.txn_hash = e.txn_hash AND s.payee_account = e.account_id)
            AND NOT EXISTS (SELECT FROM conflicts AS o WHERE o.payer_account = e.payer_account
                AND o.txn_hash = e.txn_hash AND o.payee_account = e.account_id)
            AND NOT EXISTS (SELECT FROM refunds AS r WHERE r.account_id = e.account_id
                AND r.device_id = e.device_id
                AND sha256(substring(r.signed FROM 1 FOR 62)) = e.txn_hash)
        """,
    "what was refunded of a payment is the sum of its refunds": """
        SELECT format('%s/%s', payer_account, encode(txn_hash, 'hex'))
        FROM (SELECT payer_account, txn_hash, refunded_minor FROM spends
            WHERE refunded_minor > 0) AS s
        FULL JOIN (SELECT payer_account, txn_hash, sum(amount_minor) AS refunded_minor
            FROM refunds GROUP BY 1, 2) AS r USING (payer_account, txn_hash)
        WHERE s.refunded_minor IS DISTINCT FROM r.refunded_minor
        """,
    "every purse is in the directory under its account": """
        SELECT format('%s/%s', payer_account, encode(purse_id, 'hex'))
        FROM purses AS p FULL JOIN purse_directory AS d USING (payer_account, purse_id)
        WHERE p.pub IS DISTINCT FROM d.pub
        """,
    "every purse that is closed or revoked is in the news": """
        SELECT format('%s/%s', payer_account, encode(purse_id, 'hex'))
        FROM purses LEFT JOIN revocations ON seq = revoked_seq AND id8 = purse_id
        WHERE revoked_seq IS NOT NULL AND seq IS NULL
        """,
    "the revocations are one chain without a gap": """
        SELECT seq::text
        FROM (SELECT seq, id8, root, row_number() OVER (ORDER BY seq) AS place,
                coalesce(lag(root) OVER (ORDER BY seq), decode(repeat('00', 32), 'hex')) AS before
            FROM revocations) AS chained
        WHERE seq <> place OR root <> sha256(before || id8)
        """,
    "the audit log is as its checkpoints say": """
        SELECT format('checkpoint %s: %s rows', c.seq, count(a.audit_id))
        FROM (SELECT *, coalesce(lag(head) OVER by_seq, decode(repeat('00', 32), 'hex')) AS before,
                coalesce(lag(until) OVER by_seq, '-infinity') AS since
            FROM audit_checkpoints WINDOW by_seq AS (ORDER BY seq)) AS c
        LEFT JOIN audit_logs AS a ON a.at > c.since AND a.at <= c.until
        GROUP BY c.seq, c.row_count, c.head, c.before
        HAVING count(a.audit_id) <> c.row_count OR c.head <> sha256(c.before || coalesce(
            string_agg(audit_hash(a), ''::bytea ORDER BY a.at, a.audit_id), ''::bytea))
        """,
}
