"""`opg bank`: set the bank up, run it, and do what an operator does."""

from host_tools.commands.bank import boards, root
from host_tools.commands.bank.books import bank

bank.add_command(root.root)
for command in (boards.code, boards.waiting, boards.confirm, boards.lapse):
    bank.add_command(command)

__all__ = ("bank",)
