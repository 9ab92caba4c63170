"""Takes in and keeps proofs that a purse was spent twice (EQUIV)."""

from firmware.common.payment.proof import check_proof
from firmware.common.payment.purse import check_time
from firmware.common.storage import files
from firmware.common.storage.news_reading import PROOF_BYTES, banks, proven
from firmware.common.storage.news_store import News
from firmware.common.wire.limits import PROOFS_MAX


def take_proof(news: News, message: bytes) -> bool:
    """Whether the purse was not proven yet. Raises `Refused`."""
    if message[2:10] in proven(news):
        return False
    purse = check_proof(news.realm8, banks(news), message)
    check_time(purse, news.t_lb())  # nobody takes that purse any more
    keep_proof(news, message)
    return True


def keep_proof(news: News, proof: bytes) -> None:
    """Keeps a proof that is known to be good; the oldest makes room."""
    path = news.folder + "/proofs"
    count = files.size(path) // PROOF_BYTES
    if count >= PROOFS_MAX:
        kept = files.read(path)[PROOF_BYTES * (count - PROOFS_MAX + 1) :]
        files.replace(path, kept + proof)
    else:
        files.write_at(path, PROOF_BYTES * count, proof)
