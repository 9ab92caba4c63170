"""OPG1 as a model small enough to look at every state it can ever reach.

state           what there is: payments, boards, the air between them, the bank's books, the time
rules           the protocol's rules as switches; a variant turns one of them
payer           what a payer's board does: sign, journal, send, take a receipt, sync, lose power
receiver        what a payee's board does: accept, acknowledge, cancel, refund, lose power, burn
judging         how the bank judges one claim, one void, one close, one refund
bank            what reaches the bank and when; the calendar
invariants      what must hold in every state
liveness        what must stay possible from every state
explore         breadth first over all states, with the shortest way to a breach
configurations  who is there and what they may do
variants        what a broken rule is; board_variants and bank_variants break them one at a time
pair_rule       the pair rule alone, over every set of payments on a short purse
report          the run as a table
"""
