"""Coroutines of fake boards, run side by side until the one that counts is done."""

import asyncio


def run(main, *others):
    """Runs a coroutine while others run beside it; those are ended with it."""

    async def together():
        tasks = [asyncio.create_task(other) for other in others]
        try:
            return await main
        finally:
            for task in tasks:
                if not task.done():
                    task.cancel()
                try:
                    await task
                except asyncio.CancelledError:
                    continue

    if hasattr(asyncio, "new_event_loop"):
        asyncio.new_event_loop()  # MicroPython keeps one; what a failed test left is dropped
    return asyncio.run(together())


async def until(app, condition) -> None:
    """Lets time pass until something is so; the clock bounds it."""
    while not condition():
        await app.device.board.clock.sleep_ms(10)
