"""The fault harness: one seed drives what goes wrong, then everything recovers and is checked.

points      what can go wrong and where; a plan of faults from a seed
town        the system under test: two boards, wire, cable, bridge, bank in one process
injectors   how each kind of fault is brought about
scenario    what people do: start, pay by wire, pay by file, settle
invariants  what must hold at the end
variants    the rules of the journals, broken on purpose
trials      a seed's trial, and a run of many
"""
