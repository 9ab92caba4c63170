"""The console commands of every board: a method `(header, body) -> (header, body)` each.

A role adds its own names and methods. What a host is told never holds a private key.
"""

import gc
import sys
from binascii import hexlify

from firmware.common import late
from firmware.common.payment.certificate import device_id
from firmware.common.payment.identifier import identifier
from firmware.common.storage import enrolment, files
from firmware.common.storage.store import Identity
from firmware.common.ui.flow import Flow
from firmware.common.ui.menu import fingerprint
from firmware.common.version import VERSION
from firmware.common.wire.errors import (
    DECLINED,
    MALFORMED,
    NOT_ENROLLED,
    OVER_LIMIT,
    SYNC_FIRST,
    Refused,
)
from firmware.common.wire.limits import MESSAGE_BYTES_MAX

_REFUSING = "firmware.common.ui.refusing"
_WITNESSING = "firmware.common.storage.news_witness"
_LOG_BYTES = MESSAGE_BYTES_MAX - 512
_YEAR_2100_MS = 4_102_444_800_000


class Commands:
    """`role` is told to the host; `app` is what a question to the user goes through."""

    role = ""
    # What a host calls the methods, in their order: one text, for each name would stay in RAM.
    names = "status key regenerate enrol factory_reset log refused witness"

    def __init__(self, app: Flow) -> None:
        self.app = app
        self.device = app.device

    def run(self, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
        """What the command of this name answers; raises `Refused`."""
        names = self.names.split()
        if name not in names:
            raise Refused(MALFORMED, "no such command on this board")
        return self.methods()[names.index(name)](header, body)

    def methods(self) -> tuple:
        """Those that `names` are of."""
        return (
            self._status,
            self._key,
            self._regenerate,
            self._enrol,
            self._factory_reset,
            self._log,
            self._refused,
            self._witness,
        )

    def _status(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Who this is and how it is; takes the host's clock on the way."""
        if "time" in header:
            self._take_time(header["time"])
        identity = self.device.store.identity
        news = self.device.news
        state, words = enrolment.state(self.device.board.root)
        gc.collect()
        return {
            "role": self.role,
            "device": hexlify(device_id(self.device.store.keys.signing_public)).decode(),
            "enrolled": state,
            "words": words,
            "t_lb": news.t_lb(),
            "beacon": news.beacon_seq,
            "revoked": news.rev_seq,
            "refusal": list(files.read(self.device.board.root + "/refusal")),  # reason, by whom
            "version": VERSION,
            "micropython": sys.version,
            "account": identity.account if identity else "",
            "name": identity.name if identity else "",
            "fingerprint": fingerprint(self.device.store.keys.ecdh_public),
            "time": self.device.now(),
            "title": self.app.dialog.title,
            "outcome": self.app.outcome,
            "why": self.app.why,
            "heap_free": _heap_free(),
            "flash_free": files.free_bytes(self.device.board.root),
        }, b""

    def _key(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """The connection code as body; the signing key for enrolment in the header."""
        from firmware.common.interchange.jwk import jwk_from_public

        keys = self.device.store.keys
        found = {
            "signing_key": jwk_from_public(keys.signing_public),
            "fingerprint": fingerprint(keys.ecdh_public),
        }
        return found, jwk_from_public(keys.ecdh_public).encode()

    def _regenerate(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Asks the user for a new ECDH pair."""
        self.app.ask(self.app.decide, "regenerate")
        return {}, b""

    def _enrol(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Asks the user to tie this board to an account.

        Without a body by the bank's one-time code; for the JSON forms alone with the bank's two
        keys as body.
        """
        from firmware.common.interchange.jsontext import members
        from firmware.common.interchange.jwk import public_from_jwk

        account = identifier(header["account"])
        known = self.device.store.identity
        if known and known.account != account:
            raise Refused(DECLINED, "this board belongs to " + known.account)
        name = _identifier_or_none(header.get("name"))
        wallet = _identifier_or_none(header.get("wallet"))
        if not body:
            if not self.device.news.banks:
                raise Refused(NOT_ENROLLED, "the bank's key is missing: pin_root, bkey")
            self.app.ask(self.app.decide, "enrol_by_code", account, name, wallet)
            return {}, b""
        keys = members(body)
        ecdh, signing = public_from_jwk(keys["ecdh"]), public_from_jwk(keys["signing"])
        identity = Identity(account, name, wallet, ecdh, signing)
        self.app.ask(self.app.decide, "enrol", identity)
        return {}, b""

    def _factory_reset(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Asks the user to erase the board; refused while something is unsettled unless forced."""
        force = header.get("force") is True
        if self.app.unsettled() and not force:
            raise Refused(SYNC_FIRST, "%d payments are not settled" % self.app.unsettled())
        self.app.ask(self.app.decide, "factory_reset", force)
        return {"unsettled": self.app.unsettled()}, b""

    def _log(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """The newest part of the event log."""
        return {}, self.device.events.read()[-_LOG_BYTES:]

    def _refused(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Hears that the bank refuses this board for a `reason`, or no more; see `refusing`."""
        late.call(_REFUSING, "take", self.app, header["reason"])
        return {}, b""

    def _witness(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """The newest beacon that was heard, with the bank's keys; as body, a bundle."""
        return {}, late.call(_WITNESSING, "signed", self.device.news)

    def _take_time(self, unix_ms: int) -> None:
        if type(unix_ms) is not int or not 0 < unix_ms < _YEAR_2100_MS:
            raise Refused(OVER_LIMIT, "the host's clock is wrong")
        self.device.advance_time(unix_ms)


def _identifier_or_none(text: str | None) -> str:
    """ "" where there is none: what signs or is shown later must not be refused then."""
    return identifier(text) if text else ""


def _heap_free() -> int:
    """Bytes; 0 where the interpreter does not count them."""
    mem_free = getattr(gc, "mem_free", None)
    return mem_free() if mem_free else 0
