"""Runs named test functions of one file on MicroPython: runner.py FILE NAME…

Prints one line for each: a record separator and the JSON of [name, traceback], "" where it passed.
"""

import io
import json
import sys


def run(test) -> str:
    try:
        test()
    except Exception as error:  # noqa: BLE001 - the edge at which a test's failure becomes a report
        text = io.StringIO()
        sys.print_exception(error, text)  # type: ignore[attr-defined]
        return text.getvalue()
    return ""


def main(path: str, *names: str) -> None:
    folder, file = path.rsplit("/", 1)
    sys.path.insert(0, folder)
    module = __import__(file[: -len(".py")])
    for name in names:
        record = json.dumps([name, run(getattr(module, name))])
        print("\n\x1e" + record)


main(*sys.argv[1:])
