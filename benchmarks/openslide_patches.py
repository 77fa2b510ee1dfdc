# SPDX-License-Identifier: Apache-2.0
"""The loop beside which lamella's reading is measured: OpenSlide in the workers of a DataLoader."""

import numpy as np
import torch


class Patches(torch.utils.data.Dataset):
    """Level-0 patches of side_px at places (path, x, y), as uint8 h x w x 3; slides stay open."""

    def __init__(self, places, side_px):
        self.places, self.side_px, self.open = places, side_px, {}

    def __len__(self):
        return len(self.places)

    def __getitem__(self, i):
        import openslide
        path, x, y = self.places[i]
        if path not in self.open:
            self.open[path] = openslide.OpenSlide(path)
        region = self.open[path].read_region((x, y), 0, (self.side_px, self.side_px)).convert("RGB")
        return torch.from_numpy(np.array(region))
