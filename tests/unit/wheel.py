"""The presses that type something on the board's wheel of digits."""


def wheel(*keys: str) -> list:
    """Of these keys one after the other, or of each digit of a longer one; "<" takes one back."""
    order, at, presses = "0123456789=", 0, []
    for key in "".join(keys):
        if key == "<":
            presses.append("cancel")
            continue
        presses += ["next"] * ((order.find(key) - at) % len(order)) + ["ok"]
        at = order.find(key)
    return presses
