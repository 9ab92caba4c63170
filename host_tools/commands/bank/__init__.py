"""`opg bank`: set the bank up, run it, and do what an operator does."""

from host_tools.commands.bank import boards, fraud, log, root
from host_tools.commands.bank.books import bank

for command in (
    *(boards.code, boards.waiting, boards.confirm, boards.lapse),
    *(fraud.fund_fraud, fraud.guarantee),
    *(log.audit, root.root),
):
    bank.add_command(command)

__all__ = ("bank",)
