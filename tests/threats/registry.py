"""Which test proves which threat is met: the lines of docs/threats.md, the first test its own.

Where a test elsewhere makes the attack already it stands here and is not written again.
"""

CHEATS = "tests/threats/test_cheats.py"
AIR = "tests/threats/test_air.py"
BRIDGE = "tests/threats/test_bridge.py"
RECORDED = "tests/threats/test_recorded.py"
FAULTS = "tests/threats/test_faults.py"
DISPUTES = "tests/threats/test_disputes.py"
STRANGERS = "tests/threats/test_strangers.py"

# The list that the protocol was designed against, word by word; " · " between two lines.
THE_LIST = (
    "clone pays two shops with one ctr · clone spends while its twin closes · restored old flash"
    " · spend beyond allowance or tx_max · a late honest payment of a lower counter"
    " · junk with a known ctr · forged purse, every field fuzzed · TXN replayed 50 times"
    " · TXN to another payee · RESUME of a cancelled request with the hash of a paid one"
    " · the same batch posted 20 times in parallel"
    " · a bridge that flips each byte, swaps or replays answers · keys swapped at enrolment"
    " · man in the middle with two sessions"
    " · messages reflected, reordered, of another type in one session"
    " · everything recorded on the air plus all long-term keys"
    " · no eS, eR or session key in any flash image, ever"
    " · the shown amount derives from the verified PREQ alone · payee denies"
    " · payee forks its ledger · VOID and claim in both orders"
    " · power cut after every flush of both boards · lossy link, 10,000 seeds · frozen clock"
    " · RNG stuck at a constant · high s refused"
    " · malformed frames and giant lengths, heap bounded · off-curve, infinity, x >= p"
    " · payer's and payee's copies raced by 32 threads"
    " · a lapsed or voided interval uploaded late · audit row altered"
    " · refund more than paid, or twice · fake EQUIV dropped"
    " · messages of a test deployment replayed at a live one"
    " · a JSON signature of the right length and wrong value"
)

TESTS: dict[str, tuple[str, ...]] = {
    "clone pays two shops with one ctr": (
        f"{CHEATS}::test_clone_pays_two_shops_with_one_ctr",
        f"{CHEATS}::test_clones_bring_beacons_without_the_revocations",
        "tests/bank/test_opg1_settle.py::test_a_clone_pays_two_shops_with_one_counter",
        "tests/bank/test_opg1_proofs.py::test_a_clone_is_proven_from_public_data",
        "tests/bank/test_purse_conflicts.py::test_a_clone_pays_two_shops_until_nothing_is_left",
    ),
    "clone spends while its twin closes": (
        f"{CHEATS}::test_clone_spends_while_its_twin_closes",
        "tests/bank/test_purse_conflicts.py::test_a_clone_that_spends_while_its_twin_closes",
    ),
    "restored old flash": (
        f"{CHEATS}::test_restored_old_flash",
        f"{CHEATS}::test_restored_old_flash_of_who_signs_on",
    ),
    "spend beyond allowance or tx_max": (
        f"{CHEATS}::test_spend_beyond_allowance_or_tx_max",
        f"{CHEATS}::test_spend_beyond_tx_max_or_allowance_by_one",
        f"{CHEATS}::test_more_than_half_an_allowance_at_one_payee",
        "tests/test_opg1_pairs.py::test_whoever_claims_more_than_the_allowance_has_signed_a_proof",
        "tests/test_opg1_pairs.py::test_without_a_contradiction_no_two_claims_overlap",
        "tests/bank/test_opg1_settle.py::test_more_than_the_purse_allows_is_over_its_limit",
        "tests/bank/test_purse_books.py::test_postgresql_itself_refuses",
    ),
    "a late honest payment of a lower counter": (
        f"{CHEATS}::test_a_late_honest_payment_of_a_lower_counter_is_accepted",
        "tests/test_opg1_pairs.py::test_an_honest_board_never_signs_one_whatever_arrives_late",
        "tests/bank/test_opg1_settle.py::test_payments_of_one_purse_may_arrive_in_any_order",
    ),
    "junk with a known ctr": (f"{CHEATS}::test_junk_with_a_known_ctr_blocks_nobody",),
    "forged purse, every field fuzzed": (
        f"{CHEATS}::test_forged_purse_every_field_fuzzed",
        "tests/test_opg1_fuzz.py::test_one_flipped_bit_in_any_byte_is_refused",
        "tests/test_opg1_fuzz.py::test_any_change_is_refused",
        "tests/bank/test_opg1_settle.py::test_a_purse_that_its_payer_made_up_is_none",
    ),
    "TXN replayed 50 times": (
        f"{CHEATS}::test_txn_replayed_50_times",
        "tests/bank/test_opg1_settle.py::test_one_payment_in_two_ledger_places_is_paid_once",
    ),
    "TXN to another payee": (
        f"{CHEATS}::test_txn_to_another_payee",
        "tests/bank/test_opg1_settle.py"
        "::test_what_no_purse_signed_for_this_till_is_a_bad_signature",
    ),
    "RESUME of a cancelled request with the hash of a paid one": (
        f"{CHEATS}::test_resume_of_a_cancelled_request_with_the_hash_of_a_paid_one",
    ),
    "the same batch posted 20 times in parallel": (
        "tests/bank/test_opg1_races.py::test_one_batch_posted_twenty_times_is_one_settlement",
    ),
    "a bridge that flips each byte, swaps or replays answers": (
        f"{BRIDGE}::test_bridge_flips_each_byte_swaps_or_replays_answers_of_an_upload",
        f"{BRIDGE}::test_bridge_flips_each_byte_swaps_or_replays_answers_of_a_sync",
        f"{BRIDGE}::test_bridge_makes_up_news",
        f"{BRIDGE}::test_anything_a_bridge_says_is_answered",
        "tests/bank/test_opg1_structure.py::test_every_byte_of_a_box_counts",
        "tests/bank/test_opg1_structure.py::test_every_byte_of_a_batch_counts",
    ),
    "keys swapped at enrolment": (
        f"{BRIDGE}::test_keys_swapped_at_enrolment",
        "tests/bank/test_enrolment.py::test_keys_swapped_on_the_way_are_refused",
        "tests/bank/test_enrolment.py::test_other_words_enrol_nobody",
        "tests/unit/test_enrolling.py::test_only_the_roots_word_makes_a_key_the_banks",
    ),
    "man in the middle with two sessions": (
        f"{AIR}::test_man_in_the_middle_with_two_sessions",
        f"{AIR}::test_man_in_the_middle_who_exchanges_hellos",
        "tests/unit/test_channel.py"
        "::test_two_sessions_with_a_man_in_the_middle_show_different_words",
        "tests/unit/test_session.py::test_a_payer_insists_on_what_was_committed_to",
    ),
    "messages reflected, reordered, of another type in one session": (
        f"{AIR}::test_messages_reflected_reordered_of_another_type_in_one_session",
        f"{AIR}::test_messages_of_another_type_that_the_payee_itself_seals",
        "tests/unit/test_session.py::test_each_changed_byte_closes_it",
    ),
    "everything recorded on the air plus all long-term keys": (
        f"{RECORDED}::test_everything_recorded_on_the_air_plus_all_long_term_keys",
    ),
    "no eS, eR or session key in any flash image, ever": (
        f"{RECORDED}::test_no_eS_eR_or_session_key_in_any_flash_image_ever",
    ),
    "the shown amount derives from the verified PREQ alone": (
        f"{AIR}::test_the_shown_amount_derives_from_the_verified_preq_alone",
        "tests/unit/test_payer_refuses.py"
        "::test_every_altered_byte_of_a_request_is_noticed_before_anything_is_shown",
    ),
    "payee denies": (
        f"{DISPUTES}::test_payee_denies",
        f"{DISPUTES}::test_payee_denies_and_a_stranger_checks",
        "tests/unit/test_opg1_payment.py::test_evidence_needs_every_one_of_its_parts",
    ),
    "payee forks its ledger": (
        f"{DISPUTES}::test_payee_forks_its_ledger",
        "tests/bank/test_opg1_structure.py::test_a_forked_ledger_is_frozen_and_flagged",
        "tests/bank/test_opg1_proofs.py::test_a_customers_receipt_proves_a_fork",
    ),
    "VOID and claim in both orders": (
        "tests/bank/test_purse_conflicts.py::test_void_first_then_the_claim",
        "tests/bank/test_purse_conflicts.py::test_the_claim_first_then_void",
        "tests/bank/test_purse_conflicts.py::test_void_gives_back_no_more_than_the_payee_holds",
        "tests/bank/test_opg1_races.py::test_a_void_and_a_claim_race",
    ),
    "power cut after every flush of both boards": (
        f"{FAULTS}::test_power_cut_after_every_flush_of_both_boards",
        "tests/unit/test_wallet_power.py"
        "::test_power_lost_at_any_write_signs_no_two_payments_with_one_counter",
        "tests/model/test_model.py::test_every_state_holds",
        "tests/model/test_model.py::test_a_broken_rule_is_caught",
    ),
    "lossy link, 10,000 seeds": (
        f"{FAULTS}::test_lossy_link",
        f"{AIR}::test_each_message_lost_in_the_middle",
        "tests/unit/test_link.py::test_a_faulty_wire_repeats_or_changes_nothing",
    ),
    "frozen clock": (
        f"{FAULTS}::test_frozen_clock",
        f"{FAULTS}::test_frozen_clock_that_begins_anew_at_each_start",
        "tests/bank/test_opg1_settle.py::test_grace_is_the_last_chance",
    ),
    "RNG stuck at a constant": (
        f"{FAULTS}::test_rng_stuck_at_a_constant",
        f"{FAULTS}::test_rng_stuck_at_a_constant_on_each_board_alone",
        "tests/unit/test_crypto_randomness.py::test_the_self_test_halts_on_a_stuck_source",
        "tests/unit/test_store.py::test_two_boards_whose_source_is_stuck_have_different_keys",
    ),
    "high s refused": (
        "tests/test_opg1_fuzz.py"
        "::test_a_signature_is_of_one_type_one_realm_one_key_and_has_a_low_s",
        "tests/unit/test_codec.py::test_the_other_s_is_refused",
        "tests/bank/test_opg1_structure.py::test_a_signature_with_a_high_s_is_refused",
        "tests/bank/test_opg1_settle.py::test_a_signature_with_a_high_s_is_none",
    ),
    "malformed frames and giant lengths, heap bounded": (
        f"{STRANGERS}::test_malformed_frames_and_giant_lengths_heap_bounded",
        f"{STRANGERS}::test_malformed_messages_of_a_payer",
        f"{STRANGERS}::test_malformed_messages_of_a_payee",
        "tests/test_parsers_arbitrary.py"
        "::test_arbitrary_bytes_on_the_wire_leave_the_link_in_bounds",
        "tests/unit/test_framing.py::test_noise_without_end_takes_no_memory",
        "tests/unit/test_framing.py::test_a_frame_whose_length_is_not_its_own_is_refused",
        "tests/unit/test_link.py::test_a_peer_that_never_ends_its_message_is_cut_off",
        "tests/bank/test_opg1_limits.py::test_bodies",
        "tests/bank/test_workers.py::test_a_body_of_50_mib_is_refused_before_it_is_read",
    ),
    "off-curve, infinity, x >= p": (
        "tests/unit/test_crypto_edges.py::test_points_that_are_none",
        "tests/unit/test_crypto_vectors.py::test_nist_public_key_validation",
        "tests/unit/test_session.py::test_a_hello_that_is_none_is_refused",
        "tests/test_opg1_fuzz.py::test_a_key_off_the_curve_is_refused_and_no_crash",
    ),
    "payer's and payee's copies raced by 32 threads": (
        "tests/bank/test_opg1_races.py::test_the_payers_and_the_payees_copies_race",
    ),
    "a lapsed or voided interval uploaded late": (
        "tests/bank/test_opg1_settle.py::test_a_lapsed_payment_that_comes_late_stays_unpaid",
        "tests/bank/test_opg1_settle.py::test_what_the_payee_voided_is_not_paid",
    ),
    "audit row altered": (
        f"{DISPUTES}::test_audit_row_altered",
        "tests/bank/test_audit_verify.py::test_whoever_alters_it_is_found_out",
        "tests/bank/test_audit_verify.py"
        "::test_whoever_makes_the_checkpoints_again_is_found_out_by_the_beacons",
        "tests/bank/test_audit_verify.py::test_a_hash_that_a_board_has_kept_must_be_there",
        "tests/bank/test_books.py::test_history_is_append_only",
        "tests/unit/test_news_store.py"
        "::test_a_bank_that_says_two_things_under_one_number_is_found_out",
        "tests/bank/test_audit_verify.py"
        "::test_whoever_has_the_banks_key_too_is_found_out_by_a_board",
    ),
    "refund more than paid, or twice": (
        "tests/bank/test_opg1_refunds.py::test_no_more_is_refunded_than_was_paid",
        "tests/bank/test_opg1_refunds.py::test_a_refund_is_paid_once",
        "tests/bank/test_opg1_races.py::test_refunds_of_one_payment_race",
    ),
    "fake EQUIV dropped": (
        f"{AIR}::test_fake_equiv_dropped",
        "tests/unit/test_news_store.py::test_what_proves_nothing_is_dropped",
        "tests/bank/test_opg1_proofs.py::test_what_proves_nothing_revokes_nothing",
        "tests/bank/test_opg1_proofs.py::test_every_byte_of_a_proof_counts",
    ),
    "messages of a test deployment replayed at a live one": (
        f"{BRIDGE}::test_messages_of_a_test_deployment_replayed_at_a_live_one",
        "tests/bank/test_opg1_structure.py::test_a_batch_for_another_deployment_is_refused",
        "tests/unit/test_channel.py::test_another_deployment_is_not_understood",
        "tests/test_opg1_fuzz.py"
        "::test_a_signature_is_of_one_type_one_realm_one_key_and_has_a_low_s",
    ),
    "a JSON signature of the right length and wrong value": (
        "tests/test_wrongly_accepted.py::test_a_random_signature_of_the_right_length",
        "tests/unit/test_transaction.py::test_a_random_signature_of_the_right_length_is_refused",
        "tests/bank/test_wrongly_accepted.py::test_a_payment_that_is_refused",
    ),
}
