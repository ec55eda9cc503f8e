"""Places in the code at which a process can be told to die, to see that nothing is lost. All are off unless told."""

import os
import signal
from collections import Counter

from shared.settings import Failpoints

_every = Failpoints().points
_reached: Counter[str] = Counter()


def reached(point: str) -> None:
    """Go on; or, each so many times that I2PCC_FAILPOINTS says, end as a crash would."""
    if point in _every:
        _reached[point] += 1
        if _reached[point] % _every[point] == 0:
            os.write(2, f"failpoint {point}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
