"""docs/protocol.md says what the code does: the table of messages, the reasons, the verdicts."""

import re
from pathlib import Path

from firmware.common.payment import verdicts
from firmware.common.wire import messages, reasons
from firmware.common.wire.codec import Layout

TEXT = (Path(__file__).parent.parent / "docs" / "protocol.md").read_text()
ROW = re.compile(r"\| (\d+) \| (\w+) \| \w+ \| (.+?) \| (\d+)\b[^|]* \| [^|]+ \|")
SIGNED = {"net8": "net-8", "balance8": "balance-8"}


def test_the_table_of_messages_is_that_of_the_code() -> None:
    declared = {it.name: it for it in vars(messages).values() if isinstance(it, Layout)}
    rows = [match.groups() for line in TEXT.splitlines() if (match := ROW.fullmatch(line))]
    assert [int(number) for number, *_ in rows] == list(range(20))
    for number, name, fields, size in rows:
        head = [SIGNED.get(field, field) for field in fields.split(",")[0].split()]
        it = declared[name]
        assert it.text.removesuffix(" +").split() == [name, number, *head]
        assert (it.size, it.has_tail) == (int(size), "," in fields)
    policy = re.search(r"policy18 = ([\w ]+)\.", TEXT)
    assert policy and messages.POLICY.text == f"policy 0 {policy[1]}"


def test_the_reasons_are_those_of_the_code() -> None:
    listed = re.findall(r"(?:^|· |\n)(\d+) ([a-z ]+?)(?= ·|\n|$)", TEXT.split("## Reasons")[1])
    found = {int(number): name for number, name in listed}
    assert found == {number: reasons.name(number) for number in range(26)}


def test_the_verdicts_are_those_of_the_code() -> None:
    rows = re.findall(r"\n\| ([\d, ]+) \| ([A-Z_, ]+) \|", TEXT.split("## Settlement")[1])
    found = {
        name: int(number)
        for numbers, names in rows
        for number, name in zip(numbers.split(", "), names.split(", "), strict=True)
    }
    coded = {name: value for name, value in vars(verdicts).items() if name.isupper()}
    assert found == {name: value for name, value in coded.items() if name != "LAST"}
