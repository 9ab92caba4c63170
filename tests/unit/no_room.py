"""A board whose heap has no room for something that is loaded late."""

from firmware.common import late


class NoRoomFor:
    """A late function cannot be loaded in the block, so many times. (Patched, it would be loaded
    anew.)"""

    def __init__(self, module, function, times=1_000):
        self._refused = module, function
        self._times = times
        self._call = late.call

    def __enter__(self):
        late.call = self._called

    def __exit__(self, *_):
        late.call = self._call

    def _called(self, module, function, *arguments):
        if (module, function) == self._refused and self._times:
            self._times -= 1
            raise MemoryError
        return self._call(module, function, *arguments)
