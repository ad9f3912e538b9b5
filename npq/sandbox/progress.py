"""Showing that something is happening, from the second second on."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
SECONDS_BEFORE = 1.0
SECONDS_BETWEEN = 5.0


@contextlib.contextmanager
def step(label: str, out: TextIO | None = None) -> Iterator[None]:
    """Says what is going on while the block takes longer than a second, and how long it took."""
    stream = out or sys.stdout
    over = threading.Event()
    started = time.monotonic()

    def tick() -> None:
        pause = SECONDS_BEFORE
        while not over.wait(pause):
            print(f"{label} … {time.monotonic() - started:.0f} s", file=stream, flush=True)
            pause = SECONDS_BETWEEN

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        over.set()
        ticker.join()
    elapsed = time.monotonic() - started
    if elapsed > SECONDS_BEFORE:
        print(f"{label}: done in {elapsed:.0f} s", file=stream, flush=True)


def bar(items: Iterable[Item], *, total: int, label: str, out: TextIO | None = None) -> Iterator[Item]:
    """Goes through the items: with a bar on a terminal, elsewhere with a line every few seconds."""
    stream = out or sys.stdout
    if stream.isatty():
        yield from tqdm(items, total=total, desc=label, file=stream, leave=False)
        return
    shown = time.monotonic()
    for number, item in enumerate(items):
        if time.monotonic() - shown > SECONDS_BETWEEN:
            print(f"{label}: {number} of {total}", file=stream, flush=True)
            shown = time.monotonic()
        yield item
