# SPDX-License-Identifier: Apache-2.0
"""Functions on their way to executors: named, so that Spark's pages tell them apart, and able to
say that lamella is missing there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import lamella
from pyspark import cloudpickle

Batches = Iterator[Any]


def ship(work: Callable[..., Batches], name: str, **options: Any) -> Callable[[Batches], Batches]:
    """work(batches, **options), as what mapInArrow runs. The function inside travels by its code, all
    else as bytes that it unpacks: an executor without lamella could not load them."""
    packed = cloudpickle.dumps(partial(work, **options))
    expected = lamella.__version__

    def run(batches: Batches) -> Batches:
        import os
        import socket
        import sys
        at = f"{socket.gethostname()}/{os.getppid()}"
        python = ".".join(map(str, sys.version_info[:2]))
        try:
            import lamella as found
            from pyspark import cloudpickle as pickled
        except ImportError as error:
            raise RuntimeError(
                f"found no lamella on executor {at} (Python {python}: {error}), expected "
                f"{expected} as on the driver; install it there: on every node, in the image, or on "
                "the server of Spark Connect") from None
        if found.__version__ != expected:
            raise found.Error(f"found lamella {found.__version__} on executor {at}, expected "
                              f"{expected} as on the driver; install one version everywhere")
        yield from pickled.loads(packed)(batches)

    run.__name__ = name
    run.__annotations__ = {}  # which nobody there could look up
    return run
