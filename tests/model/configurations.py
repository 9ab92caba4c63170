"""Who is there and what they may do; each is explored completely.

SHORT is what every test run explores, LONG what `make model` explores besides. A purse of 2 units
holds both requests of 1, or the one of 2: then two twins claim different intervals.
"""

from tests.model.rules import Town

ONE_SHOP = Town("two requests, one payee", amounts=(1, 1), shops=(0, 0))
TWO_SHOPS = Town("two requests, two payees", amounts=(1, 1), shops=(0, 1))
REFUND_AND_CLOSE = Town(
    "refunds and CLOSE",
    amounts=(1,),
    shops=(0,),
    closes=True,
    till=1,
    refunds=2,
    withdraws=True,
)
ROGUE = Town(
    "a payee signs VOIDs for what it took",
    amounts=(1,),
    shops=(0,),
    has_rogue_payee=True,
    withdraws=True,
)
TOP_UP = Town("top-up", top_up=True)
CLONE = Town(
    "clone, two payees",
    amounts=(1, 2),
    shops=(0, 1),
    bond=1,
    has_clone=True,
    is_calm=True,
)
CLONE_EVEN = Town(
    "clone, two payments of each board",
    amounts=(1, 1),
    shops=(0, 1),
    has_clone=True,
    is_calm=True,
    burns=False,
)
CLONE_UNPAID = Town(
    "clone, more owed than there is",
    amounts=(2, 2),
    shops=(0, 1),
    bond=1,
    has_clone=True,
    is_calm=True,
)
CLONE_GUARANTEE = Town(
    "clone, the fund guarantees 1",
    amounts=(2, 2),
    shops=(0, 1),
    fund=2,
    guarantee=1,
    has_clone=True,
    is_calm=True,
)
CLONE_ONE_SHOP = Town(
    "clone, one payee",
    amounts=(1, 1),
    shops=(0, 0),
    has_clone=True,
    is_calm=True,
    burns=False,
)
CLONE_CLOSE = Town(
    "clone and CLOSE",
    amounts=(1,),
    shops=(0,),
    has_clone=True,
    closes=True,
    is_calm=True,
)
CLONE_TWO_SHOPS_CLOSE = Town(
    "clone and CLOSE, two payees",
    amounts=(1, 2),
    shops=(0, 1),
    has_clone=True,
    closes=True,
    is_calm=True,
    burns=False,
)

SHORT = (
    ONE_SHOP,
    TWO_SHOPS,
    REFUND_AND_CLOSE,
    ROGUE,
    TOP_UP,
    CLONE,
    CLONE_UNPAID,
    CLONE_GUARANTEE,
    CLONE_CLOSE,
    CLONE_TWO_SHOPS_CLOSE,
)
LONG = (
    CLONE_ONE_SHOP,
    CLONE_EVEN,
    Town("two requests and CLOSE", amounts=(1, 1), shops=(0, 0), allowance=3, closes=True),
    Town("two requests, refunds", amounts=(1, 1), shops=(0, 0), refunds=1, withdraws=True),
    Town(
        "two payees sign VOIDs for what they took",
        amounts=(1, 1),
        shops=(0, 1),
        has_rogue_payee=True,
        withdraws=True,
    ),
    Town(
        "clone and CLOSE, with power cuts",
        amounts=(1,),
        shops=(0,),
        has_clone=True,
        closes=True,
    ),
    Town(
        "clone and CLOSE, two payees who lose boards",
        amounts=(1, 2),
        shops=(0, 1),
        has_clone=True,
        closes=True,
        is_calm=True,
    ),
)
