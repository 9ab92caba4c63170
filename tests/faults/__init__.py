"""The fault harness: one seed drives what goes wrong, then everything recovers and is checked.

points        what can go wrong and where; a plan of faults from a seed
founding      how a town begins: boards enrolled, purses topped up
workshop      small memories, an empty outbox
town          the system under test: boards, wire, cable, bridge, bank in one process
ear           what boards say to each other
injectors     how each kind of fault is brought about
books         the bank on a PostgreSQL of its own, with the trial's clock
hands         what people do with boards
scenario      a day: what they mean to do, and how they put it right
invariants    what must hold at the end
variants      how a rule of the firmware is broken on purpose
broken_rules  the journals' rules, broken
trials        a seed's trial, and a run of many
report        a run in words
micropython   power cuts on real MicroPython
"""
