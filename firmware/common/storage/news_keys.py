"""Takes in a key of the bank that its root has signed (see `news_exchange`)."""

from firmware.common.payment.certificate import check_bank_key
from firmware.common.storage import files
from firmware.common.storage.news_reading import banks
from firmware.common.storage.news_store import News
from firmware.common.wire.codec import Record
from firmware.common.wire.limits import BANK_KEYS_MAX


def take_bank_key(news: News, message: bytes) -> bool:
    """Whether it was new; the newest two keys are kept, each as it was signed last."""
    known = banks(news)
    if message in [bank.signed for bank in known]:
        return False
    found = check_bank_key(news.root, message, news.t_lb())
    if any(bank.pub == found.pub and bank.issued >= found.issued for bank in known):
        return False
    others = [bank for bank in known if bank.pub != found.pub]
    kept = sorted(others + [found], key=_issued)[-BANK_KEYS_MAX:]
    if found not in kept:
        return False
    files.replace(news.folder + "/bank-keys", b"".join([bank.signed for bank in kept]))
    return True


def _issued(bank: Record) -> int:
    return bank.issued
