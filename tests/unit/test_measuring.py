"""What a board says it runs is made of each byte and name of its firmware, of nothing else."""

import hashlib
import os

from firmware.common.crypto.measuring import firmware_hash
from tests.unit.helpers import Folder, write_bytes

FILES = {
    "/firmware/common/late.mpy": b"late",
    "/firmware/common/late/deep.mpy": b"x" * 2_000,
    "/firmware/installed.json": b"",
    "/main.py": b"import firmware",
}
# In the order of their parts: a folder `late` comes before `late.mpy`.
ORDER = (
    "/firmware/common/late/deep.mpy",
    "/firmware/common/late.mpy",
    "/firmware/installed.json",
    "/main.py",
)


def flash(root: str, files: dict) -> None:
    for folder in ("/firmware", "/firmware/common", "/firmware/common/late", "/data"):
        try:
            os.mkdir(root + folder)
        except OSError:
            os.stat(root + folder)
    for path, content in files.items():
        write_bytes(root + path, content)


def told(files: dict, order: tuple = ORDER) -> bytes:
    data = b""
    for path in order:
        data += path.encode() + b"\0" + hashlib.sha256(files[path]).digest()
    return hashlib.sha256(data).digest()


def test_it_is_made_of_paths_and_contents_in_one_order():
    with Folder() as root:
        flash(root, FILES)
        assert firmware_hash(root) == told(FILES)
        write_bytes(root + "/data/keys", b"secret")
        write_bytes(root + "/notes.txt", b"a file of one's own")
        assert firmware_hash(root) == told(FILES)


def test_every_byte_counts():
    for path, content in FILES.items():
        with Folder() as root:
            changed = dict(FILES)
            changed[path] = content[:-1] + b"!"
            flash(root, changed)
            assert firmware_hash(root) == told(changed) != told(FILES)


def test_a_file_more_or_less_counts():
    with Folder() as root:
        flash(root, FILES)
        os.remove(root + "/main.py")
        assert firmware_hash(root) == told(FILES, ORDER[:3])
        write_bytes(root + "/firmware/common/late/zero.mpy", b"")
        assert firmware_hash(root) != told(FILES, ORDER[:3])


def test_a_board_without_files_has_the_hash_of_nothing():
    with Folder() as root:
        assert firmware_hash(root) == hashlib.sha256(b"").digest()
