# SPDX-License-Identifier: Apache-2.0
"""Encoding on a graphics card: a ViT-B/16 (random weights, bf16, 224 px) alone, behind lamella with
several numbers of reading threads, and behind a DataLoader over OpenSlide. One table on stdout.

    python benchmarks/gpu_encoding.py SLIDE... [--minutes 6] [--threads 4,8,16] [--workers 16]

Needs lamella, torch and torchvision or timm; openslide for the last row. Ends within --minutes.
"""

import argparse
import os
import time

import lamella
import numpy as np
import torch
from openslide_patches import Patches

PX, BATCH = 224, 256
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
LEAST_S = 15.0


def network():
    try:
        from torchvision.models import vit_b_16
        made = vit_b_16(weights=None)
        made.heads = torch.nn.Identity()
    except ImportError:
        import timm
        made = timm.create_model("vit_base_patch16_224", num_classes=0)
    return made.eval()


def alone(module, device, seconds):
    """Patches/s of the network, its input on the card."""
    planes = torch.randn(BATCH, 3, PX, PX, device=device)
    done = 0

    def step():
        with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16):
            return module(planes).float().cpu()

    step()
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        step()
        done += BATCH
    return done / (time.monotonic() - start)


def plans(paths):
    for path in paths:
        slide = lamella.Slide(path)
        yield slide, lamella.plan(slide, size_px=PX, level=0, stride_px=PX, tissue="none",
                                  min_tissue=0)


def by_lamella(made, module, device, threads, patches):
    encoder = lamella.torch_encoder(module, name="vit_b_16", input_px=PX, device=device,
                                    batch_size=BATCH, precision="bf16")
    slide, plan = made[0]
    lamella.encode(slide, plan.select(np.arange(min(BATCH, len(plan)))), encoder=encoder)
    done, start = 0, time.monotonic()
    while done < patches:
        for slide, plan in made:
            rows = np.arange(min(len(plan), patches - done))
            if len(rows) == 0:
                break
            lamella.encode(slide, plan.select(rows), encoder=encoder, threads=threads)
            done += len(rows)
    return done / (time.monotonic() - start)


def by_data_loader(made, module, device, workers, patches):
    mean, std = (torch.tensor(v, device=device).reshape(1, 3, 1, 1) for v in (MEAN, STD))
    places = [(slide.path, int(x), int(y)) for slide, plan in made for x, y in zip(plan.x_px, plan.y_px)]
    places = [places[i % len(places)] for i in range(patches)]
    loader = torch.utils.data.DataLoader(Patches(places, PX), batch_size=BATCH,
                                         num_workers=workers, pin_memory=device.type == "cuda")
    done, start = 0, time.monotonic()
    for pixels in loader:
        planes = pixels.to(device, non_blocking=True).permute(0, 3, 1, 2).float()
        with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16):
            module((planes - mean) / std).float().cpu()
        done += len(pixels)
    return done / (time.monotonic() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slides", nargs="+")
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--threads", default="4,8,16")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    device = torch.device(options.device)
    threads = [int(number) for number in options.threads.split(",")]
    module = network().to(device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "processor"
    print(f"{name}, {os.cpu_count()} cores, torch {torch.__version__}, lamella {lamella.__version__}")
    print("| what | patches/s | of the network alone |\n|---|---|---|", flush=True)
    # As long for each; the loader may be far slower, so it gets a third of the patches.
    seconds = (end - time.monotonic()) * 0.6 / (len(threads) + 3)
    rate = alone(module, device, min(seconds, LEAST_S))
    print(f"| network alone, batches of {BATCH} on the card | {rate:,.0f} | |", flush=True)
    made = list(plans(options.slides))
    patches = max(BATCH, int(rate * seconds))
    for count in threads:
        if time.monotonic() > end - 2 * seconds:
            break
        found = by_lamella(made, module, device, count, patches)
        print(f"| lamella, {count} threads | {found:,.0f} | {100 * found / rate:.0f} % |", flush=True)
    found = by_data_loader(made, module, device, options.workers, patches // 3)
    print(f"| DataLoader over OpenSlide, {options.workers} workers | {found:,.0f} | "
          f"{100 * found / rate:.0f} % |")


if __name__ == "__main__":
    main()
