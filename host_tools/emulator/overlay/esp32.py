"""Non-volatile storage beside the filesystem, with the limits and error codes of ESP-IDF."""

import json
import os

import vfs

_NOT_FOUND = -0x1102
_KEY_TOO_LONG = -0x1109
_INVALID_LENGTH = -0x110C

_FILE = os.getenv("OPG_BOARD_HOME") + "/nvs.json"
_host = vfs.VfsPosix()  # given a folder, its rename would take the old name for the new one
try:
    with _host.open(_FILE, "r") as _file:
        _entries = json.load(_file)
except OSError:
    _entries = {}


class NVS:
    """One namespace; what is set is durable after `commit`, which is atomic."""

    def __init__(self, namespace):
        self._prefix = namespace + "/"

    def set_i32(self, key, value):
        _entries[self._name("i32/", key)] = value

    def get_i32(self, key):
        return self._get("i32/", key)

    def set_blob(self, key, value):
        _entries[self._name("blob/", key)] = bytes(value).hex()

    def get_blob(self, key, buffer):
        blob = bytes.fromhex(self._get("blob/", key))
        if len(blob) > len(buffer):
            raise OSError(_INVALID_LENGTH)
        buffer[: len(blob)] = blob
        return len(blob)

    def erase_key(self, key):
        for kind in ("i32/", "blob/"):
            if _entries.pop(self._name(kind, key), None) is not None:
                return
        raise OSError(_NOT_FOUND)

    def commit(self):
        with _host.open(_FILE + ".new", "w") as file:
            json.dump(_entries, file)
        _host.rename(_FILE + ".new", _FILE)

    def _name(self, kind, key):
        if len(key) > 15:
            raise OSError(_KEY_TOO_LONG)
        return self._prefix + kind + key

    def _get(self, kind, key):
        try:
            return _entries[self._name(kind, key)]
        except KeyError:
            raise OSError(_NOT_FOUND) from None
