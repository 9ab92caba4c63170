-- The bank's books, for PostgreSQL 15 and newer; `opg bank init-db` runs this file once, as the owner.
--
-- Money is whole minor units. A transfer is postings that add up to zero. A wallet's balance is the
-- sum of its postings; only the wallet of what the bank issued may be negative. What a purse
-- has reserved, and its bond, are pockets of their own: their balances stand in the purse's row.
--
-- Two roles: the owner (whoever runs this file) changes the structure; `opg_app`, as which the bank
-- works, may add to the history and cannot change or delete any of it.
--
-- Every key begins with the account, so that the tables can be spread over machines by account; the
-- two directories that find the account, and the news, which is public, are small and stand whole.
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
    -- What the fraud fund pays this payee at most for conflicts; it is earned, and used up.
    guarantee_minor bigint NOT NULL DEFAULT 0,
    opened_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT accounts_guarantee_not_negative CHECK (guarantee_minor >= 0),
    CONSTRAINT accounts_pkey PRIMARY KEY (account_id),
    CONSTRAINT accounts_account_id_kind_key UNIQUE (account_id, kind),
    CONSTRAINT accounts_account_id_bounded CHECK (octet_length(account_id) BETWEEN 1 AND 64),
    CONSTRAINT accounts_name_bounded CHECK (octet_length(name) BETWEEN 1 AND 128),
    CONSTRAINT accounts_kind_known CHECK (kind IN ('party', 'system'))
);

-- Where an account's money lies; the wallet '' is the one meant when none is named. The system's
-- wallet 'fund' is the fraud fund.
CREATE TABLE wallets (
    account_id    text   NOT NULL,
    wallet_id     text   NOT NULL,
    kind          text   NOT NULL,
    balance_minor bigint NOT NULL DEFAULT 0,
    CONSTRAINT wallets_pkey PRIMARY KEY (account_id, wallet_id),
    CONSTRAINT wallets_account_fkey FOREIGN KEY (account_id, kind)
        REFERENCES accounts (account_id, kind),
    CONSTRAINT wallets_wallet_id_bounded CHECK (octet_length(wallet_id) <= 64),
    CONSTRAINT wallets_balance_not_negative
        CHECK (balance_minor >= 0 OR (kind = 'system' AND wallet_id = ''))
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

-- How far the bank has read each device's ledgers: one of the JSON forms, one of OPG1, each with a
-- head of its own. The row is the lock under which a ledger is settled.
-- A later generation is what an operator opens for a device whose ledger was found forked.
CREATE TABLE ledgers (
    account_id text    NOT NULL,
    device_id  bytea   NOT NULL,
    form       text    NOT NULL DEFAULT 'json',
    generation integer NOT NULL DEFAULT 0,
    last_index integer NOT NULL DEFAULT -1,
    head       bytea,
    CONSTRAINT ledgers_pkey PRIMARY KEY (account_id, device_id, form, generation),
    CONSTRAINT ledgers_form_known CHECK (form IN ('json', 'opg1')),
    CONSTRAINT ledgers_device_fkey FOREIGN KEY (account_id, device_id)
        REFERENCES devices (account_id, device_id),
    CONSTRAINT ledgers_last_index_bounded CHECK (last_index >= -1),
    CONSTRAINT ledgers_head_after_first CHECK ((head IS NULL) = (last_index = -1)),
    CONSTRAINT ledgers_head_length CHECK (octet_length(head) = 32)
);

-- Every ledger entry that was judged. Its hashes never change; a verdict does when a payment that
-- found no funds or a frozen payer (9) is judged anew, or one that was voided is returned (11).
-- JSON: txn_id is null where the transaction could not be read. OPG1: payer_account is null where
-- no purse was found; with txn_hash it finds the spend, the conflict or the refund.
--
-- Verdicts: 0 settled, 1 duplicate, 2 conflict covered, 3 conflict unpaid, 4 expired late,
-- 5 revoked before, 6 bad signature, 7 over limit, 8 voided, 9 unguaranteed, 10 lapsed,
-- 11 returned, 12 pending, 13 refused (JSON).
CREATE TABLE ledger_entries (
    account_id   text        NOT NULL,
    device_id    bytea       NOT NULL,
    form         text        NOT NULL DEFAULT 'json',
    generation   integer     NOT NULL,
    ledger_index integer     NOT NULL,
    entry_hash   bytea       NOT NULL,
    txn_hash     bytea       NOT NULL,
    txn_id       uuid,
    payer_account text,
    verdict      smallint    NOT NULL,
    reason       smallint    NOT NULL,
    judged_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ledger_entries_pkey
        PRIMARY KEY (account_id, device_id, form, generation, ledger_index),
    CONSTRAINT ledger_entries_form_known CHECK (form IN ('json', 'opg1')),
    CONSTRAINT ledger_entries_index_not_negative CHECK (ledger_index >= 0),
    CONSTRAINT ledger_entries_entry_hash_length CHECK (octet_length(entry_hash) = 32),
    CONSTRAINT ledger_entries_txn_hash_length CHECK (octet_length(txn_hash) = 32),
    CONSTRAINT ledger_entries_verdict_known CHECK (
        CASE form WHEN 'json' THEN verdict IN (0, 1, 9, 13) ELSE verdict BETWEEN 0 AND 12 END),
    CONSTRAINT ledger_entries_settled_readable CHECK (
        CASE form WHEN 'json' THEN verdict = 13 OR txn_id IS NOT NULL
        ELSE txn_id IS NULL AND (verdict > 3 OR payer_account IS NOT NULL) END)
);

-- Money that moved, once: the payer's device made the id of a payment before it sent it, and the
-- key refuses the second. For a payment: the signed hash and the ledger entry that brought it.
-- Of OPG1 the id is derived from what is moved: claim (from a purse's reserve to the payee, the sum
-- of the spends that name it), cover (of a conflict), topup and release (between an account and its
-- purse), return (a settled payment that was voided, back to the reserve), refund.
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
    CONSTRAINT transfers_between_two CHECK (payer_account <> payee_account OR kind <> 'payment'),
    CONSTRAINT transfers_within_one
        CHECK (payer_account = payee_account OR kind NOT IN ('topup', 'release')),
    CONSTRAINT transfers_amount_bounded CHECK (amount_minor BETWEEN 1 AND 4000000000),
    CONSTRAINT transfers_kind_known CHECK (
        kind IN ('payment', 'funding', 'topup', 'release', 'claim', 'cover', 'return', 'refund')),
    CONSTRAINT transfers_payment_has_entry CHECK (
        num_nonnulls(txn_hash, device_id, generation, ledger_index)
        = CASE kind WHEN 'payment' THEN 4 ELSE 0 END)
);

-- pocket '' is the wallet `wallet_id`; in 'reserve' and 'bond' the purse whose id it is, as hex.
CREATE TABLE postings (
    account_id    text        NOT NULL,
    pocket        text        NOT NULL DEFAULT '',
    wallet_id     text        NOT NULL,
    payer_account text        NOT NULL,
    transfer_id   uuid        NOT NULL,
    amount_minor  bigint      NOT NULL,
    posted_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT postings_pkey
        PRIMARY KEY (account_id, payer_account, transfer_id, pocket, wallet_id),
    CONSTRAINT postings_pocket_known CHECK (pocket IN ('', 'reserve', 'bond')),
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

-- What a checkpoint covers of a row: all of it.
CREATE FUNCTION audit_hash(a audit_logs) RETURNS bytea
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN sha256(convert_to(jsonb_build_array(a.account_id, a.audit_id,
        extract(epoch FROM a.at), a.actor, a.action, a.subject, a.reason, a.detail)::text, 'UTF8'));

-- What was refused that no enrolled device signed: counted, so that junk from anybody adds a row for
-- a day and a reason and no more. It concerns no account; in a spread database it stays in one place.
CREATE TABLE refusal_counts (
    day    date     NOT NULL,
    reason smallint NOT NULL,
    count  bigint   NOT NULL,
    CONSTRAINT refusal_counts_pkey PRIMARY KEY (day, reason),
    CONSTRAINT refusal_counts_count_positive CHECK (count > 0)
);

-- From here on: OPG1. Times are seconds since 1970, as they are signed. What a device or the bank
-- signed is kept as it was: body || signature.

-- One-time codes of the operator; `sealed` is opened with a key that is not in this database, so a
-- copy of it gives no code away. A code that was used, ran out or was guessed at too often is dead.
CREATE TABLE enrolment_codes (
    account_id text     NOT NULL,
    code_id    uuid     NOT NULL,
    sealed     bytea    NOT NULL,
    roles      smallint NOT NULL,
    expires    bigint   NOT NULL,
    tries      smallint NOT NULL DEFAULT 0,
    used_by    bytea,
    CONSTRAINT enrolment_codes_pkey PRIMARY KEY (account_id, code_id),
    CONSTRAINT enrolment_codes_account_fkey FOREIGN KEY (account_id)
        REFERENCES accounts (account_id),
    CONSTRAINT enrolment_codes_roles_known CHECK (roles BETWEEN 1 AND 3),
    CONSTRAINT enrolment_codes_tries_not_negative CHECK (tries >= 0)
);
CREATE INDEX enrolment_codes_alive ON enrolment_codes (expires) WHERE used_by IS NULL;

-- A board that asked with a right code, and whether the operator has compared the four words.
CREATE TABLE enrolments (
    account_id  text        NOT NULL,
    device_id   bytea       NOT NULL,
    code_id     uuid        NOT NULL,
    enrol       bytea       NOT NULL,
    state       text        NOT NULL DEFAULT 'pending',
    asked_at    timestamptz NOT NULL DEFAULT now(),
    decided_at  timestamptz,
    CONSTRAINT enrolments_pkey PRIMARY KEY (account_id, device_id),
    CONSTRAINT enrolments_code_key UNIQUE (account_id, code_id),
    CONSTRAINT enrolments_code_fkey FOREIGN KEY (account_id, code_id)
        REFERENCES enrolment_codes (account_id, code_id),
    CONSTRAINT enrolments_state_known CHECK (state IN ('pending', 'confirmed', 'refused')),
    CONSTRAINT enrolments_decided_has_time CHECK ((state = 'pending') = (decided_at IS NULL))
);
CREATE INDEX enrolments_by_device ON enrolments (device_id);

-- The certificates a device was given; the greatest serial is the one that counts.
CREATE TABLE certificates (
    account_id     text     NOT NULL,
    device_id      bytea    NOT NULL,
    serial         bigint   NOT NULL,
    roles          smallint NOT NULL,
    rx_limit_minor bigint   NOT NULL,
    rx_cum_minor   bigint   NOT NULL,
    issued         bigint   NOT NULL,
    not_after      bigint   NOT NULL,
    signed         bytea    NOT NULL,
    CONSTRAINT certificates_pkey PRIMARY KEY (account_id, device_id, serial),
    CONSTRAINT certificates_device_fkey FOREIGN KEY (account_id, device_id)
        REFERENCES devices (account_id, device_id),
    CONSTRAINT certificates_roles_known CHECK (roles BETWEEN 1 AND 3),
    CONSTRAINT certificates_lasts CHECK (issued < not_after),
    CONSTRAINT certificates_signed_length CHECK (octet_length(signed) = 232)
);

-- How much of a purse's line is covered by a set of intervals.
CREATE FUNCTION measure(spans int8multirange) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT coalesce(sum(upper(span) - lower(span)), 0)::bigint
            FROM unnest(spans) AS spans (span));

-- A reserved allowance, a line from 0 to `allowance_minor`. `claimed` are the intervals that spends
-- have consumed: as their sum must be its measure, one that overlaps another is refused here.
-- The row is the lock under which its money moves.
CREATE TABLE purses (
    payer_account   text           NOT NULL,
    purse_id        bytea          NOT NULL,
    device_id       bytea          NOT NULL,
    pub             bytea          NOT NULL,
    allowance_minor bigint         NOT NULL,
    tx_max_minor    bigint         NOT NULL,
    ctr_max         integer        NOT NULL,
    cur             integer        NOT NULL,
    issued          bigint         NOT NULL,
    not_after       bigint         NOT NULL,
    grace_h         integer        NOT NULL,
    signed          bytea          NOT NULL,
    claimed         int8multirange NOT NULL DEFAULT '{}',
    claimed_minor   bigint         NOT NULL DEFAULT 0,
    ctr_seen        integer        NOT NULL DEFAULT 0,
    reserve_minor   bigint         NOT NULL,
    bond_minor      bigint         NOT NULL,
    state           text           NOT NULL DEFAULT 'open',
    revoked_seq     bigint,
    CONSTRAINT purses_pkey PRIMARY KEY (payer_account, purse_id),
    CONSTRAINT purses_pub_key UNIQUE (payer_account, pub),
    CONSTRAINT purses_device_fkey FOREIGN KEY (payer_account, device_id)
        REFERENCES devices (account_id, device_id),
    CONSTRAINT purses_purse_id_length CHECK (octet_length(purse_id) = 8),
    CONSTRAINT purses_pub_length CHECK (octet_length(pub) = 64),
    CONSTRAINT purses_signed_length CHECK (octet_length(signed) = 160),
    CONSTRAINT purses_allowance_bounded CHECK (allowance_minor BETWEEN 1 AND 4000000000),
    CONSTRAINT purses_tx_max_bounded CHECK (tx_max_minor BETWEEN 1 AND allowance_minor),
    CONSTRAINT purses_lasts CHECK (issued < not_after AND grace_h >= 0),
    CONSTRAINT purses_claimed_once CHECK (measure(claimed) = claimed_minor),
    CONSTRAINT purses_claimed_within CHECK (claimed <@ int8range(0, allowance_minor)),
    CONSTRAINT purses_reserve_not_negative CHECK (reserve_minor >= 0),
    CONSTRAINT purses_bond_not_negative CHECK (bond_minor >= 0),
    CONSTRAINT purses_state_known CHECK (state IN ('open', 'closed', 'revoked', 'ended')),
    CONSTRAINT purses_ended_empty CHECK (state <> 'ended' OR reserve_minor + bond_minor = 0),
    CONSTRAINT purses_revoked_has_news
        CHECK (state NOT IN ('closed', 'revoked') OR revoked_seq IS NOT NULL)
);
CREATE INDEX purses_to_end ON purses ((not_after + grace_h * 3600)) WHERE state <> 'ended';

-- Which account a purse belongs to: payments name the purse alone.
CREATE TABLE purse_directory (
    purse_id      bytea NOT NULL,
    pub           bytea NOT NULL,
    payer_account text  NOT NULL,
    CONSTRAINT purse_directory_pkey PRIMARY KEY (purse_id),
    CONSTRAINT purse_directory_pub_key UNIQUE (pub),
    CONSTRAINT purse_directory_purse_fkey FOREIGN KEY (payer_account, purse_id)
        REFERENCES purses (payer_account, purse_id)
);

-- Keys that no purse was given for, and will be none: their board forgets a key when it hears so, and
-- the report that asked may be on its way a second time.
CREATE TABLE refused_keys (
    payer_account text        NOT NULL,
    pub           bytea       NOT NULL,
    reason        smallint    NOT NULL,
    refused_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT refused_keys_pkey PRIMARY KEY (payer_account, pub),
    CONSTRAINT refused_keys_account_fkey FOREIGN KEY (payer_account)
        REFERENCES accounts (account_id),
    CONSTRAINT refused_keys_pub_length CHECK (octet_length(pub) = 64)
);

-- Every interval of a purse that is consumed, by its counter: [first_minor, cum_minor).
-- reserve_minor is what its purse's reserve paid for it: less than the interval where that was
-- short; the rest then stands in covers. transfer_id is the claim that paid it.
CREATE TABLE spends (
    payer_account  text        NOT NULL,
    purse_id       bytea       NOT NULL,
    ctr            integer     NOT NULL,
    first_minor    bigint      NOT NULL,
    cum_minor      bigint      NOT NULL,
    status         text        NOT NULL,
    verdict        smallint    NOT NULL,
    txn_hash       bytea       NOT NULL,
    txn            bytea       NOT NULL,
    payee_account  text,
    payee_device   bytea       NOT NULL,
    reserve_minor  bigint      NOT NULL DEFAULT 0,
    returned_minor bigint      NOT NULL DEFAULT 0,
    refunded_minor bigint      NOT NULL DEFAULT 0,
    transfer_id    uuid,
    generation     integer,
    ledger_index   integer,
    made_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT spends_pkey PRIMARY KEY (payer_account, purse_id, ctr),
    CONSTRAINT spends_txn_hash_key UNIQUE (payer_account, txn_hash),
    CONSTRAINT spends_interval CHECK (0 <= first_minor AND first_minor < cum_minor),
    CONSTRAINT spends_txn_hash_length CHECK (octet_length(txn_hash) = 32),
    CONSTRAINT spends_txn_length CHECK (octet_length(txn) = 146),
    CONSTRAINT spends_status_verdict CHECK (CASE status
        WHEN 'paid' THEN verdict IN (0, 2, 3) AND payee_account IS NOT NULL
        WHEN 'returned' THEN verdict = 11
        WHEN 'voided' THEN verdict = 8 AND reserve_minor = 0
        WHEN 'lapsed' THEN verdict = 10 AND reserve_minor = 0
        WHEN 'closed' THEN verdict = 0 AND reserve_minor = 0
        ELSE false END),
    CONSTRAINT spends_reserve_within CHECK (reserve_minor BETWEEN 0 AND cum_minor - first_minor),
    CONSTRAINT spends_paid_has_transfer CHECK ((reserve_minor > 0) = (transfer_id IS NOT NULL)),
    CONSTRAINT spends_given_back_within CHECK (returned_minor >= 0 AND refunded_minor >= 0
        AND returned_minor + refunded_minor <= cum_minor - first_minor)
);

-- Payments whose interval or counter another one had consumed, and what they got nevertheless.
CREATE TABLE conflicts (
    payer_account text        NOT NULL,
    txn_hash      bytea       NOT NULL,
    purse_id      bytea       NOT NULL,
    ctr           integer     NOT NULL,
    first_minor   bigint      NOT NULL,
    cum_minor     bigint      NOT NULL,
    verdict       smallint    NOT NULL,
    txn           bytea       NOT NULL,
    payee_account text        NOT NULL,
    payee_device  bytea       NOT NULL,
    against       bytea       NOT NULL,
    made_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT conflicts_pkey PRIMARY KEY (payer_account, txn_hash),
    CONSTRAINT conflicts_purse_fkey FOREIGN KEY (payer_account, purse_id)
        REFERENCES purses (payer_account, purse_id),
    CONSTRAINT conflicts_verdict_known CHECK (verdict IN (2, 3)),
    CONSTRAINT conflicts_interval CHECK (0 <= first_minor AND first_minor < cum_minor),
    CONSTRAINT conflicts_txn_length CHECK (octet_length(txn) = 146)
);

-- What was paid for a conflict or a short reserve, each source once. The transfer is
-- payer_account's; the fund's is the bank's.
CREATE TABLE covers (
    payer_account text        NOT NULL,
    txn_hash      bytea       NOT NULL,
    source        text        NOT NULL,
    amount_minor  bigint      NOT NULL,
    payee_account text        NOT NULL,
    transfer_id   uuid        NOT NULL,
    made_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT covers_pkey PRIMARY KEY (payer_account, txn_hash, source),
    CONSTRAINT covers_source_known CHECK (source IN ('reserve', 'bond', 'account', 'fund')),
    CONSTRAINT covers_amount_positive CHECK (amount_minor > 0)
);

-- What payers brought of their own payments. tag: 1 alone, 2 with the payee's ACK, 3 with its VOID
-- (`receipt`). One that stays alone lapses when its purse ends.
CREATE TABLE payer_copies (
    payer_account text        NOT NULL,
    purse_id      bytea       NOT NULL,
    ctr           integer     NOT NULL,
    txn_hash      bytea       NOT NULL,
    tag           smallint    NOT NULL,
    txn           bytea       NOT NULL,
    receipt       bytea,
    brought_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payer_copies_pkey PRIMARY KEY (payer_account, purse_id, ctr, txn_hash),
    CONSTRAINT payer_copies_purse_fkey FOREIGN KEY (payer_account, purse_id)
        REFERENCES purses (payer_account, purse_id),
    CONSTRAINT payer_copies_tag_known CHECK (tag IN (1, 2, 3)),
    CONSTRAINT payer_copies_receipt CHECK ((tag = 1) = (receipt IS NULL)),
    CONSTRAINT payer_copies_txn_length CHECK (octet_length(txn) = 146)
);

-- Refunds by the payee's device and its own counter; never more than was paid (see spends).
CREATE TABLE refunds (
    account_id    text        NOT NULL,
    device_id     bytea       NOT NULL,
    rctr          bigint      NOT NULL,
    payer_account text        NOT NULL,
    txn_hash      bytea       NOT NULL,
    amount_minor  bigint      NOT NULL,
    to_purse      bytea       NOT NULL,
    signed        bytea       NOT NULL,
    transfer_id   uuid        NOT NULL,
    made_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT refunds_pkey PRIMARY KEY (account_id, device_id, rctr),
    CONSTRAINT refunds_device_fkey FOREIGN KEY (account_id, device_id)
        REFERENCES devices (account_id, device_id),
    CONSTRAINT refunds_amount_positive CHECK (amount_minor > 0),
    CONSTRAINT refunds_signed_length CHECK (octet_length(signed) = 126)
);

-- Two payments of one purse that contradict each other; the first proof against a purse is enough.
CREATE TABLE proofs (
    payer_account text        NOT NULL,
    purse_id      bytea       NOT NULL,
    equiv         bytea       NOT NULL,
    brought_by    text        NOT NULL,
    made_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT proofs_pkey PRIMARY KEY (payer_account, purse_id),
    CONSTRAINT proofs_purse_fkey FOREIGN KEY (payer_account, purse_id)
        REFERENCES purses (payer_account, purse_id),
    CONSTRAINT proofs_equiv_length CHECK (octet_length(equiv) = 452)
);

-- The last index the bank held of a device's OPG1 ledger when it first sent that device the
-- revocations up to rev_seq: with what comes after that the payee bears a conflict itself.
CREATE TABLE deliveries (
    account_id text    NOT NULL,
    device_id  bytea   NOT NULL,
    rev_seq    bigint  NOT NULL,
    generation integer NOT NULL,
    last_index integer NOT NULL,
    CONSTRAINT deliveries_pkey PRIMARY KEY (account_id, device_id, rev_seq),
    CONSTRAINT deliveries_device_fkey FOREIGN KEY (account_id, device_id)
        REFERENCES devices (account_id, device_id)
);

-- What a payee's board said of itself with each batch that the bank has judged: its clock, its newest
-- beacon. under_seq is the newest beacon under which it can have taken the batch's payments, and
-- taps and taps_minor are all that it took since it is known to have that one, this batch included.
CREATE TABLE uploads (
    account_id  text    NOT NULL,
    device_id   bytea   NOT NULL,
    generation  integer NOT NULL,
    last_index  integer NOT NULL,
    t_lb        bigint  NOT NULL,
    beacon_seq  bigint  NOT NULL,
    taken_minor bigint  NOT NULL,
    under_seq   bigint  NOT NULL,
    taps        integer NOT NULL,
    taps_minor  bigint  NOT NULL,
    CONSTRAINT uploads_pkey PRIMARY KEY (account_id, device_id, generation, last_index),
    CONSTRAINT uploads_device_fkey FOREIGN KEY (account_id, device_id)
        REFERENCES devices (account_id, device_id),
    CONSTRAINT uploads_under_what_it_had CHECK (under_seq <= beacon_seq),
    CONSTRAINT uploads_counted CHECK (least(taken_minor, taps, taps_minor) >= 0)
);

-- Since when, by its own clock, a payee's board has a beacon: since the bank sent it with an answer,
-- else since the board named it first. Of one that another board brought, no more is known.
CREATE TABLE held_beacons (
    account_id text   NOT NULL,
    device_id  bytea  NOT NULL,
    beacon_seq bigint NOT NULL,
    held_t     bigint NOT NULL,
    CONSTRAINT held_beacons_pkey PRIMARY KEY (account_id, device_id, beacon_seq),
    CONSTRAINT held_beacons_device_fkey FOREIGN KEY (account_id, device_id)
        REFERENCES devices (account_id, device_id)
);

-- The news, public and the same for all. root_n = SHA-256(root_{n-1} || id8), root_0 = 32 zeros.
CREATE TABLE revocations (
    seq        bigint      NOT NULL,
    id8        bytea       NOT NULL,
    root       bytea       NOT NULL,
    account_id text        NOT NULL,
    revoked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT revocations_pkey PRIMARY KEY (seq),
    CONSTRAINT revocations_id8_key UNIQUE (id8),
    CONSTRAINT revocations_seq_from_one CHECK (seq >= 1),
    CONSTRAINT revocations_id8_length CHECK (octet_length(id8) = 8),
    CONSTRAINT revocations_root_length CHECK (octet_length(root) = 32)
);

-- The audit log up to a moment, as one hash: head_n = SHA-256(head_{n-1} || its rows).
CREATE TABLE audit_checkpoints (
    seq       bigint      NOT NULL,
    until     timestamptz NOT NULL,
    row_count bigint      NOT NULL,
    head      bytea       NOT NULL,
    CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (seq),
    CONSTRAINT audit_checkpoints_seq_from_one CHECK (seq >= 1),
    CONSTRAINT audit_checkpoints_head_length CHECK (octet_length(head) = 32)
);

CREATE TABLE beacons (
    seq     bigint NOT NULL,
    t       bigint NOT NULL,
    rev_seq bigint NOT NULL,
    signed  bytea  NOT NULL,
    CONSTRAINT beacons_pkey PRIMARY KEY (seq),
    CONSTRAINT beacons_seq_from_one CHECK (seq >= 1),
    CONSTRAINT beacons_signed_length CHECK (octet_length(signed) = 160)
);

-- Every place where money lies, as postings name it.
CREATE VIEW pockets AS
    SELECT account_id, '' AS pocket, wallet_id, balance_minor FROM wallets
    UNION ALL
    SELECT payer_account, 'reserve', encode(purse_id, 'hex'), reserve_minor FROM purses
    UNION ALL
    SELECT payer_account, 'bond', encode(purse_id, 'hex'), bond_minor FROM purses;

-- What the bank may do. History can be added to and read; on the rest, only what changes by nature.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO opg_app;
GRANT INSERT ON accounts, wallets, devices, device_directory, ledgers, ledger_entries,
    transfers, postings, audit_logs, refusal_counts TO opg_app;
GRANT INSERT ON enrolment_codes, enrolments, certificates, purses, purse_directory,
    refused_keys, spends, conflicts, covers, payer_copies, refunds, proofs, deliveries, uploads,
    held_beacons, revocations, audit_checkpoints, beacons TO opg_app;
GRANT UPDATE (frozen) ON accounts, devices TO opg_app;
GRANT UPDATE (guarantee_minor) ON accounts TO opg_app;
GRANT UPDATE (balance_minor) ON wallets TO opg_app;
GRANT UPDATE (last_index, head) ON ledgers TO opg_app;
GRANT UPDATE (verdict, reason, judged_at) ON ledger_entries TO opg_app;
GRANT UPDATE (held_t) ON held_beacons TO opg_app;
GRANT UPDATE (count) ON refusal_counts TO opg_app;
GRANT UPDATE (tries, used_by) ON enrolment_codes TO opg_app;
GRANT UPDATE (state, decided_at) ON enrolments TO opg_app;
GRANT UPDATE (claimed, claimed_minor, reserve_minor, bond_minor, ctr_seen, state, revoked_seq)
    ON purses TO opg_app;
GRANT UPDATE (status, verdict, returned_minor, refunded_minor) ON spends TO opg_app;
GRANT UPDATE (tag, receipt, brought_at) ON payer_copies TO opg_app;

INSERT INTO accounts (account_id, kind, name) VALUES ('bank', 'system', 'The bank');
INSERT INTO wallets (account_id, wallet_id, kind)
    VALUES ('bank', '', 'system'), ('bank', 'fund', 'system');
INSERT INTO schema_version (version) VALUES (3);

COMMIT;
