"""What a board does at power-on: mount its flash, then run boot.py and main.py.

MicroPython runs this and then its REPL (`-i`), in the same globals as boot.py and main.py: so
every name but the functions' own is local, and those are gone at the end.
"""


def _mount(flash):
    """Mount the filesystem; make one on a blank chip only, never over a damaged one."""
    import vfs

    sector = bytearray(4096)
    flash.readblocks(0, sector)
    vfs.umount("/")
    if sector == b"\xff" * len(sector):
        vfs.VfsLfs2.mkfs(flash)
    try:
        vfs.mount(vfs.VfsLfs2(flash), "/")
    except OSError:
        print("The filesystem is damaged; it was left as it is.")


def _power_on():
    """Load the overlay, which is the last this process sees of the host's files."""
    import gc
    import os
    import sys

    import _bus
    import esp32  # noqa: F401
    import flashbdev
    import machine  # noqa: F401

    _mount(flashbdev.bdev)  # noqa: F821  deleted below, long after this ran
    os.chdir("/")
    sys.path[:] = ["", ".frozen", "/lib"]
    sys.argv[:] = []
    del sys.modules["_bus"]
    gc.collect()
    _bus.tell("U")


def _run(name):
    import os
    import sys

    try:
        os.stat(name)
    except OSError:
        return
    try:
        execfile(name)  # noqa: F821  a builtin of MicroPython
    except SystemExit:
        raise  # a soft reset
    except BaseException as error:  # noqa: BLE001  a board prints whatever a program dies of
        sys.print_exception(error)


_power_on()
_run("boot.py")
if __import__("os").getenv("OPG_BOARD_MAIN") == "1":
    _run("main.py")
del _mount, _power_on, _run
