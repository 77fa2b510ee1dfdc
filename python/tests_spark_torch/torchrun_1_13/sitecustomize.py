# SPDX-License-Identifier: Apache-2.0
"""Lets torchrun of PyTorch 1.13 run under Python 3.11, in which flags of no bit are not iterated."""

import sys

if "torch.distributed.run" in sys.orig_argv and sys.version_info >= (3, 11):
    from torch.distributed.elastic.multiprocessing.api import Std

    plain = Std.from_str
    Std.from_str = classmethod(lambda cls, text: Std(int(text)) if text.isdigit() else plain(text))
