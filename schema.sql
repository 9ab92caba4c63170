-- The bank's books, for PostgreSQL 15 and newer; `opg bank init-db` runs this file once, as the owner.
--
-- Money is whole minor units. A transfer debits one wallet and credits another: two postings that
-- add up to zero. A wallet's balance is the sum of its postings; only a system wallet may be negative.
--
-- Two roles: the owner (whoever runs this file) changes the structure; `opg_app`, as which the bank
-- works, may add to the history and cannot change or delete any of it.
--
-- Every key begins with the account, so that the tables can be spread over machines by account.
-- Foreign keys stay within one account; ids come from devices, hashes or uuids; nothing triggers.

BEGIN;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'opg_app') THEN
        CREATE ROLE opg_app NOLOGIN;
    END IF;
END
$$;
GRANT opg_app TO CURRENT_USER;
GRANT USAGE ON SCHEMA public TO opg_app;

CREATE TABLE schema_version (
    version    integer     NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT schema_version_pkey PRIMARY KEY (version)
);

-- Who holds money. The bank's own account is of kind 'system': what it issued is its debt.
CREATE TABLE accounts (
    account_id text        NOT NULL,
    kind       text        NOT NULL,
    name       text        NOT NULL,
    frozen     boolean     NOT NULL DEFAULT false,
    opened_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT accounts_pkey PRIMARY KEY (account_id),
    CONSTRAINT accounts_account_id_kind_key UNIQUE (account_id, kind),
    CONSTRAINT accounts_account_id_bounded CHECK (octet_length(account_id) BETWEEN 1 AND 64),
    CONSTRAINT accounts_name_bounded CHECK (octet_length(name) BETWEEN 1 AND 128),
    CONSTRAINT accounts_kind_known CHECK (kind IN ('party', 'system'))
);

-- An account's purses of money; the wallet '' is the one meant when none is named.
CREATE TABLE wallets (
    account_id    text   NOT NULL,
    wallet_id     text   NOT NULL,
    kind          text   NOT NULL,
    balance_minor bigint NOT NULL DEFAULT 0,
    CONSTRAINT wallets_pkey PRIMARY KEY (account_id, wallet_id),
    CONSTRAINT wallets_account_fkey FOREIGN KEY (account_id, kind)
        REFERENCES accounts (account_id, kind),
    CONSTRAINT wallets_wallet_id_bounded CHECK (octet_length(wallet_id) <= 64),
    CONSTRAINT wallets_balance_not_negative CHECK (kind = 'system' OR balance_minor >= 0)
);

-- The boards of an account: the keys made on the board, as x||y. device_id = SHA-256(signing_key)[:8].
CREATE TABLE devices (
    account_id  text        NOT NULL,
    device_id   bytea       NOT NULL,
    kind        text        NOT NULL DEFAULT 'party',
    signing_key bytea       NOT NULL,
    ecdh_key    bytea       NOT NULL,
    name        text        NOT NULL,
    frozen      boolean     NOT NULL DEFAULT false,
    enrolled_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT devices_pkey PRIMARY KEY (account_id, device_id),
    CONSTRAINT devices_account_fkey FOREIGN KEY (account_id, kind)
        REFERENCES accounts (account_id, kind),
    CONSTRAINT devices_of_a_party CHECK (kind = 'party'),
    CONSTRAINT devices_device_id_derived
        CHECK (device_id = substring(sha256(signing_key) FROM 1 FOR 8)),
    CONSTRAINT devices_signing_key_length CHECK (octet_length(signing_key) = 64),
    CONSTRAINT devices_ecdh_key_length CHECK (octet_length(ecdh_key) = 64),
    CONSTRAINT devices_name_bounded CHECK (octet_length(name) BETWEEN 1 AND 128)
);

-- Which account a device belongs to: a small directory, the one table that is not led by the
-- account, because it is what finds it. It makes a device belong to one account only.
CREATE TABLE device_directory (
    device_id  bytea NOT NULL,
    account_id text  NOT NULL,
    CONSTRAINT device_directory_pkey PRIMARY KEY (device_id),
    CONSTRAINT device_directory_device_fkey FOREIGN KEY (account_id, device_id)
        REFERENCES devices (account_id, device_id)
);

-- How far the bank has read each device's ledger; its row is the lock under which one is settled.
-- A later generation is what an operator opens for a device whose ledger was found forked.
CREATE TABLE ledgers (
    account_id text    NOT NULL,
    device_id  bytea   NOT NULL,
    generation integer NOT NULL DEFAULT 0,
    last_index integer NOT NULL DEFAULT -1,
    head       bytea,
    CONSTRAINT ledgers_pkey PRIMARY KEY (account_id, device_id, generation),
    CONSTRAINT ledgers_device_fkey FOREIGN KEY (account_id, device_id)
        REFERENCES devices (account_id, device_id),
    CONSTRAINT ledgers_last_index_bounded CHECK (last_index >= -1),
    CONSTRAINT ledgers_head_after_first CHECK ((head IS NULL) = (last_index = -1)),
    CONSTRAINT ledgers_head_length CHECK (octet_length(head) = 32)
);

-- Every ledger entry that was judged. Its hashes never change; a verdict does only when a payment
-- that found no funds or a frozen payer (9) is judged anew. txn_id is null where the transaction
-- could not be read.
CREATE TABLE ledger_entries (
    account_id   text        NOT NULL,
    device_id    bytea       NOT NULL,
    generation   integer     NOT NULL,
    ledger_index integer     NOT NULL,
    entry_hash   bytea       NOT NULL,
    txn_hash     bytea       NOT NULL,
    txn_id       uuid,
    verdict      smallint    NOT NULL,
    reason       smallint    NOT NULL,
    judged_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ledger_entries_pkey PRIMARY KEY (account_id, device_id, generation, ledger_index),
    CONSTRAINT ledger_entries_index_not_negative CHECK (ledger_index >= 0),
    CONSTRAINT ledger_entries_entry_hash_length CHECK (octet_length(entry_hash) = 32),
    CONSTRAINT ledger_entries_txn_hash_length CHECK (octet_length(txn_hash) = 32),
    CONSTRAINT ledger_entries_verdict_known CHECK (verdict IN (0, 1, 9, 13)),
    CONSTRAINT ledger_entries_settled_readable
        CHECK (verdict = 13 OR txn_id IS NOT NULL)
);

-- Money that moved, once: the payer's device made the id of a payment before it sent it, and the
-- key refuses the second. For a payment: the signed hash and the ledger entry that brought it.
CREATE TABLE transfers (
    payer_account text        NOT NULL,
    transfer_id   uuid        NOT NULL,
    kind          text        NOT NULL,
    payee_account text        NOT NULL,
    amount_minor  bigint      NOT NULL,
    txn_hash      bytea,
    device_id     bytea,
    generation    integer,
    ledger_index  integer,
    made_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT transfers_pkey PRIMARY KEY (payer_account, transfer_id),
    CONSTRAINT transfers_between_two CHECK (payer_account <> payee_account),
    CONSTRAINT transfers_amount_bounded CHECK (amount_minor BETWEEN 1 AND 4000000000),
    CONSTRAINT transfers_kind_known CHECK (kind IN ('payment', 'funding')),
    CONSTRAINT transfers_payment_has_entry CHECK (
        num_nonnulls(txn_hash, device_id, generation, ledger_index)
        = CASE kind WHEN 'payment' THEN 4 ELSE 0 END)
);

CREATE TABLE postings (
    account_id    text        NOT NULL,
    wallet_id     text        NOT NULL,
    payer_account text        NOT NULL,
    transfer_id   uuid        NOT NULL,
    amount_minor  bigint      NOT NULL,
    posted_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT postings_pkey PRIMARY KEY (account_id, payer_account, transfer_id),
    CONSTRAINT postings_amount_not_zero CHECK (amount_minor <> 0)
);

-- Every decision and who took it; account_id is '' where no account is concerned. Never a secret.
CREATE TABLE audit_logs (
    account_id text        NOT NULL,
    audit_id   uuid        NOT NULL,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor      text        NOT NULL,
    action     text        NOT NULL,
    subject    text        NOT NULL,
    reason     smallint    NOT NULL,
    detail     jsonb       NOT NULL,
    CONSTRAINT audit_logs_pkey PRIMARY KEY (account_id, audit_id)
);
CREATE INDEX audit_logs_newest_first ON audit_logs (at DESC, audit_id DESC);

-- Ledgers refused that no enrolled device signed: counted, so that junk from anybody adds a row for
-- a day and a reason and no more. It concerns no account; in a spread database it stays in one place.
CREATE TABLE refusal_counts (
    day    date     NOT NULL,
    reason smallint NOT NULL,
    count  bigint   NOT NULL,
    CONSTRAINT refusal_counts_pkey PRIMARY KEY (day, reason),
    CONSTRAINT refusal_counts_count_positive CHECK (count > 0)
);

-- What the bank may do. History can be added to and read; on the rest, only what changes by nature.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO opg_app;
GRANT INSERT ON accounts, wallets, devices, device_directory, ledgers, ledger_entries,
    transfers, postings, audit_logs, refusal_counts TO opg_app;
GRANT UPDATE (frozen) ON accounts, devices TO opg_app;
GRANT UPDATE (balance_minor) ON wallets TO opg_app;
GRANT UPDATE (last_index, head) ON ledgers TO opg_app;
GRANT UPDATE (verdict, reason, judged_at) ON ledger_entries TO opg_app;
GRANT UPDATE (count) ON refusal_counts TO opg_app;

INSERT INTO accounts (account_id, kind, name) VALUES ('bank', 'system', 'The bank');
INSERT INTO wallets (account_id, wallet_id, kind) VALUES ('bank', '', 'system');
INSERT INTO schema_version (version) VALUES (2);

COMMIT;
