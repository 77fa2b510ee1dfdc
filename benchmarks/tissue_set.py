# SPDX-License-Identifier: Apache-2.0
"""A set of pictures with tissue masks that follow from a rule, and how well `lamella` finds them.

    tissue_set.py make FOLDER                     the pictures and their masks
    tissue_set.py judge FOLDER PROGRAM [PROGRAM]  IoU per kind, a column a program

Pictures are TIFFs of 8 um/px, a pixel of the mask each. Real ones come from $LAMELLA_TEST_DATA, else
../shared/data, and are left out, and named, where they are not; phantoms are drawn here. The mask
of a real picture is decided at twice its scale or finer, by optical density against the colour of
the glass, which was read off by hand, and is carried through every alteration: ink is not tissue,
a stain five times weaker still is.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import tifffile

MPP = 8.0
STAINED_OD = 0.06          # of the channel that absorbs most, against the glass
HEMATOXYLIN = np.array([0.65, 0.70, 0.29])
EOSIN = np.array([0.07, 0.99, 0.11])
DAB = np.array([0.27, 0.57, 0.78])
GLASS = np.array([243.0, 242.0, 244.0])
INKS = {"red": (196, 30, 48), "green": (30, 132, 74), "blue": (38, 62, 164), "black": (38, 36, 40)}


# Masks of real pictures ---------------------------------------------------------------------------

def density(rgb, glass):
    return -np.log(np.maximum(rgb.astype(np.float64), 1) / glass)


def shrink(picture, size):
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def closed(mask, radius_px):
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2)
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, disc) > 0


def without_specks(mask, least_px):
    def drop(m, least, connectivity):
        _, labels, stats, _ = cv2.connectedComponentsWithStats(m.astype(np.uint8),
                                                               connectivity=connectivity)
        keep = stats[:, cv2.CC_STAT_AREA] >= least
        keep[0] = False
        return keep[labels]
    return ~drop(~drop(mask, least_px, 8), least_px, 4)


def stained(fine, glass, size, white_is_padding=False):
    """Where a quarter or more of a pixel's neighbourhood (32 um) is stained at the fine scale."""
    od = cv2.GaussianBlur(density(fine, glass), (0, 0), 1.0).max(axis=2)
    part = shrink((od > STAINED_OD).astype(np.float32), size)
    return without_specks(closed(part > 0.25, 3), 625)


def read_level(path, target_mpp, mpp):
    import openslide
    slide = openslide.OpenSlide(path)
    level = slide.get_best_level_for_downsample(target_mpp / mpp + 0.01)
    rgba = np.array(slide.read_region((0, 0), level, slide.level_dimensions[level]))
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha)) // 255).astype(np.uint8)


def real_pictures(data):
    """name -> (picture, mask, glass)"""
    found = {}
    for name, path, mpp, scale, glass in [
            ("idc_14082", "idc/idc_14082.tif", 4.0, 2, (243, 242, 244)),
            ("idc_14306", "idc/idc_14306.tif", 4.0, 2, (243, 242, 244)),
            # Read as if they were four and twice as coarse: enough pixels to draw on.
            ("cmu_1", "slides/CMU-1-Small-Region.svs", 2.0, 4, (245, 243, 243)),
            ("tcga_cr", "slides/tcga-cr-7395-01a-01-ts1.svs", 2.0, 4, (240, 235, 238))]:
        if not (data / path).exists():
            print(f"left out: {data / path}", file=sys.stderr)
            continue
        fine = read_level(str(data / path), mpp, mpp)
        size = (round(fine.shape[1] / scale), round(fine.shape[0] / scale))
        found[name] = (shrink(fine, size), stained(fine, np.array(glass), size), np.array(glass))
    patches = sorted((data / "camelyon16/patches/tumor").glob("*.png"))
    patches += sorted((data / "camelyon16/patches/normal").glob("*.png"))
    if patches:
        found["camelyon16_patches"] = patch_mosaic(patches)
    else:
        print(f"left out: {data / 'camelyon16'}", file=sys.stderr)
    return found


def patch_mosaic(paths):
    """Patches side by side as one section on glass."""
    side, across = 64, 8
    tiles = [shrink(cv2.imread(str(p))[..., ::-1], (side, side)) for p in paths]
    rows = len(tiles) // across
    picture = noisy(np.full((side * (rows + 4), side * (across + 4), 3), (246, 244, 245), float), 1.2)
    mask = np.zeros(picture.shape[:2], bool)
    for i, tile in enumerate(tiles[:rows * across]):
        y, x = side * (2 + i // across), side * (2 + i % across)
        picture[y:y + side, x:x + side] = tile
        mask[y:y + side, x:x + side] = True
    return picture, mask, np.array((246, 244, 245))


# Alterations --------------------------------------------------------------------------------------

def noisy(picture, sigma, seed=1):
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def fainter(picture, mask, glass):
    faint = glass * np.exp(-np.maximum(density(picture, glass), -0.05) / 5)
    return noisy(faint, 0.7), mask


def yellowed(picture, mask, glass):
    return np.rint(picture * np.array([0.985, 0.94, 0.76])).astype(np.uint8), mask


def grey(picture, mask, glass):
    return np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2), mask


def gradient(picture, mask, glass):
    height, width = mask.shape
    y, x = np.mgrid[0:height, 0:width]
    light = 1 - 0.06 * x / width - 0.05 * (y / height - 0.5) ** 2 * 4
    return noisy(picture * light[..., None], 0.5), mask


def jpeg(picture, mask, glass):
    ok, data = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]),
                            [cv2.IMWRITE_JPEG_QUALITY, 30])
    assert ok
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1], mask


def inked(colour):
    def alter(picture, mask, glass):
        """A ring and a stroke of a pen; where ink covers tissue, it is no tissue."""
        height, width = mask.shape
        stroke = np.zeros((height, width), np.uint8)
        thick = max(6, min(height, width) // 40)
        centre, axes = (int(width * 0.55), int(height * 0.55)), (int(width * 0.38), int(height * 0.4))
        cv2.ellipse(stroke, centre, axes, 8, 20, 330, 255, thick, cv2.LINE_AA)
        cv2.line(stroke, (thick, int(height * 0.1)), (int(width * 0.3), thick), 255, thick,
                 cv2.LINE_AA)
        rng = np.random.default_rng(4)
        uneven = cv2.GaussianBlur(rng.normal(0, 1, (height, width)), (0, 0), 6)
        strength = (stroke / 255) * np.clip(0.93 + 0.6 * uneven, 0.75, 1)
        mixed = picture * (1 - strength[..., None]) + np.array(INKS[colour]) * strength[..., None]
        return noisy(mixed, 1), mask & (stroke < 64)
    return alter


def felt_pen(colour):
    def alter(picture, mask, glass):
        """Ink lets light through: what is under it is darkened by its density."""
        height, width = mask.shape
        stroke = np.zeros((height, width), np.uint8)
        thick = max(8, min(height, width) // 30)
        points = np.array([[0.05, 0.15], [0.3, 0.06], [0.7, 0.1], [0.93, 0.3], [0.95, 0.9]])
        cv2.polylines(stroke, [np.rint(points * (width, height)).astype(np.int32)], False, 255, thick,
                      cv2.LINE_AA)
        ink = density(np.array(INKS[colour]), glass) * 0.6
        light = np.exp(-ink * (cv2.GaussianBlur(stroke, (0, 0), 1.5) / 255.0)[..., None])
        return noisy(picture * light, 1), mask & (stroke < 64)
    return alter


def coverslip(picture, mask, glass):
    """Two straight edges with their shadows, a bubble's rim, a blurred speck of dust."""
    height, width = mask.shape
    od = np.zeros((height, width))
    for ends, thick, dark in [(((int(width * 0.03), 0), (int(width * 0.045), height)), 3, 0.5),
                              (((0, int(height * 0.96)), (width, int(height * 0.945))), 4, 0.35)]:
        line = np.zeros((height, width), np.uint8)
        cv2.line(line, *ends, 255, thick, cv2.LINE_AA)
        od += dark * line / 255.0 + 0.25 * cv2.GaussianBlur(line / 255.0, (0, 0), 6)
    spot = np.zeros((height, width), np.uint8)
    cv2.circle(spot, (int(width * 0.9), int(height * 0.1)), max(8, height // 20), 255, 2,
               cv2.LINE_AA)
    od += 0.3 * cv2.GaussianBlur(spot / 255.0, (0, 0), 1)
    dust = np.zeros((height, width))
    cv2.circle(dust, (int(width * 0.12), int(height * 0.85)), max(6, height // 30), 1.0, -1)
    od += 0.25 * cv2.GaussianBlur(dust, (0, 0), max(3, height / 60))
    return noisy(picture * np.exp(-od)[..., None], 0.5), mask


def padded(value):
    def alter(picture, mask, glass):
        """A scanner that imaged only a part, in steps."""
        out = noisy(picture.astype(float), 0.6)
        never = np.zeros(mask.shape, bool)
        height, width = mask.shape
        never[:height // 8] = never[:, :width // 10] = True
        never[-height // 6:, -width // 3:] = True
        out[never] = value
        return out, mask & ~never
    return alter


ALTERATIONS = {"fifth of the stain": fainter, "yellowed glass": yellowed, "grey": grey,
               "uneven light": gradient, "JPEG noise": jpeg, "coverslip": coverslip,
               "black padding": padded(0), "white padding": padded(255)}
ALTERATIONS |= {f"{colour} ink": inked(colour) for colour in INKS}
ALTERATIONS |= {f"{colour} felt pen": felt_pen(colour) for colour in ("red", "green", "blue")}


# Phantoms -----------------------------------------------------------------------------------------

FINE = 4   # drawn at 2 um/px


def cells(shape, diameter_px, wall_px, seed, broken=0.0):
    """Walls of a foam of cells of about this diameter, 0-1."""
    rng = np.random.default_rng(seed)
    step = diameter_px
    ys, xs = np.mgrid[step // 2:shape[0] + step:step, step // 2:shape[1] + step:step]
    jitter = rng.uniform(-0.35, 0.35, (2, *ys.shape)) * step
    seeds = np.full((shape[0], shape[1]), 255, np.uint8)
    y = np.clip(ys + jitter[0], 0, shape[0] - 1).astype(int)
    x = np.clip(xs + jitter[1], 0, shape[1] - 1).astype(int)
    seeds[y, x] = 0
    _, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5,
                                                labelType=cv2.DIST_LABEL_PIXEL)
    wall = np.zeros(shape, np.uint8)
    wall[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    wall[1:] |= labels[1:] != labels[:-1]
    if broken:
        gone = low_noise(shape, diameter_px // 3, seed + 1) < np.quantile(
            low_noise(shape, diameter_px // 3, seed + 1), broken)
        wall[gone] = 0
    if wall_px > 1:
        wall = cv2.dilate(wall, np.ones((wall_px, wall_px), np.uint8))
    return cv2.GaussianBlur(wall.astype(float), (0, 0), 0.8)


def low_noise(shape, size_px, seed):
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 1, (shape[0] // size_px + 3, shape[1] // size_px + 3))
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)


def blob(shape, seed, part=0.35):
    """A section's outline: the middle of the picture, with a ragged edge."""
    y, x = np.mgrid[0:shape[0], 0:shape[1]]
    away = np.hypot((y / shape[0] - 0.5) / 0.42, (x / shape[1] - 0.5) / 0.42)
    away = away + 0.12 * low_noise(shape, shape[0] // 8, seed)
    return away < np.quantile(away, part)


def texture(shape, seed):
    """Fibres and cells: 1 on the mean, uneven from 4 um up."""
    field = 1 + 0.25 * low_noise(shape, 12, seed) + 0.2 * low_noise(shape, 40, seed + 1)
    return np.maximum(field + 0.35 * low_noise(shape, 3, seed + 2), 0.1)


def nuclei(shape, part, seed):
    field = low_noise(shape, 4, seed)
    return cv2.GaussianBlur((field > np.quantile(field, 1 - part)).astype(float), (0, 0), 0.7)


def phantom(kind, seed, width=640, height=480):
    """The picture and its mask: the outline of the section, holes of fat and air with it."""
    shape = (height * FINE, width * FINE)
    inside = blob(shape, seed)
    e = texture(shape, seed + 10)
    if kind == "fat":
        foam = cells(shape, 42, 2, seed)
        od = 0.35 * foam[..., None] * EOSIN + 0.03 * foam[..., None] * HEMATOXYLIN
    elif kind == "fat and stroma":
        foam = cells(shape, 40, 2, seed)
        fat = low_noise(shape, 300, seed + 3) > 0
        od = np.where(fat[..., None], 0.35 * foam[..., None] * EOSIN,
                      (0.4 * e)[..., None] * EOSIN
                      + (0.5 * nuclei(shape, 0.12, seed))[..., None] * HEMATOXYLIN)
    elif kind in ("lung", "pale lung"):
        walls = cells(shape, 100, 5, seed, broken=0.15)
        strength = 1.0 if kind == "lung" else 0.4
        n = nuclei(shape, 0.3, seed) * walls
        od = strength * ((0.45 * walls * e)[..., None] * EOSIN + (0.6 * n)[..., None] * HEMATOXYLIN)
    elif kind == "pale stroma":
        od = (0.10 * e)[..., None] * EOSIN + (0.15 * nuclei(shape, 0.05, seed))[..., None] * HEMATOXYLIN
    elif kind == "IHC":
        brown = nuclei(shape, 0.2, seed + 5) * (low_noise(shape, 120, seed + 4) > 0.3)
        od = ((0.07 * e + 0.3 * nuclei(shape, 0.2, seed))[..., None] * HEMATOXYLIN
              + (1.1 * brown)[..., None] * DAB)
    elif kind == "IHC negative":
        od = (0.06 * e + 0.18 * nuclei(shape, 0.15, seed))[..., None] * HEMATOXYLIN
    elif kind == "H&E":
        od = (0.45 * e)[..., None] * EOSIN + (0.7 * nuclei(shape, 0.2, seed))[..., None] * HEMATOXYLIN
    else:
        raise ValueError(kind)
    od = od * cv2.GaussianBlur(inside.astype(float), (0, 0), 1.5)[..., None]
    size = (width, height)
    picture = noisy(shrink(GLASS * np.exp(-od), size), 1.2, seed)
    return picture, shrink(inside.astype(np.float32), size) > 0.5


def odd_slides():
    white = np.full((300, 400, 3), 255, np.uint8)
    glass = noisy(np.full((300, 400, 3), GLASS), 1.2)
    none = np.zeros((300, 400), bool)
    yield "white", white, none
    yield "glass", glass, none
    yellow, _ = yellowed(glass, none, GLASS)
    yield "yellow glass", yellow, none
    picture, _ = phantom("H&E", 31)
    yield "whole picture", picture[180:300, 240:400], np.ones((120, 160), bool)
    picture, _ = phantom("pale stroma", 32)
    yield "whole picture", picture[180:300, 240:400], np.ones((120, 160), bool)


# The set ------------------------------------------------------------------------------------------

def pictures(data):
    """kind, name, picture, mask"""
    real = real_pictures(data)
    for name, (picture, mask, glass) in real.items():
        yield "as it is", name, picture, mask
        for kind, alter in ALTERATIONS.items():
            yield (kind, name, *alter(picture, mask, glass))
    for seed in (1, 2):
        for kind in ("fat", "fat and stroma", "lung", "pale lung", "pale stroma", "IHC",
                     "IHC negative", "H&E"):
            picture, mask = phantom(kind, 10 * seed)
            yield kind, f"phantom{seed}", picture, mask
            if kind in ("H&E", "lung", "fat and stroma"):
                for name in ("coverslip", "yellowed glass", "red ink", "blue ink", "grey"):
                    yield (name, f"phantom{seed} {kind}", *ALTERATIONS[name](picture, mask, GLASS))
    for kind, picture, mask in odd_slides():
        yield kind, "phantom", picture, mask


def make(folder):
    data = Path(os.environ.get("LAMELLA_TEST_DATA",
                               Path(__file__).resolve().parents[1] / "../shared/data"))
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for i, (kind, name, picture, mask) in enumerate(pictures(data)):
        file = f"{i:03d}"
        tifffile.imwrite(folder / f"{file}.tif", picture, tile=(256, 256), photometric="rgb",
                         compression="deflate", resolution=(1e4 / MPP, 1e4 / MPP),
                         resolutionunit="CENTIMETER")
        cv2.imwrite(str(folder / f"{file}.png"), mask.astype(np.uint8) * 255)
        listed.append({"kind": kind, "name": name, "file": file})
    (folder / "set.json").write_text(json.dumps(listed, indent=1))
    print(f"{len(listed)} pictures of {len({row['kind'] for row in listed})} kinds in {folder}")


def found_mask(program, path, shape):
    """The program's mask: the tissue of a grid of patches of one pixel."""
    import h5py
    with tempfile.TemporaryDirectory() as scratch:
        plan = Path(scratch) / "plan.h5"
        subprocess.run([program, "plan", "--slide", path, "--size-px", "1", "--level", "0",
                        "--stride-px", "1", "--min-tissue", "0.5", "--out", plan, "--quiet"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with h5py.File(plan) as file:
            coords = file["coords"][:]
    mask = np.zeros(shape, bool)
    mask[coords[:, 1], coords[:, 0]] = True
    return mask


def iou(a, b):
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


def judge(folder, programs):
    rows = json.loads((folder / "set.json").read_text())
    kinds = {}
    for row in rows:
        truth = cv2.imread(str(folder / f"{row['file']}.png"), cv2.IMREAD_GRAYSCALE) > 0
        row["iou"] = [iou(found_mask(program, folder / f"{row['file']}.tif", truth.shape), truth)
                      for program in programs]
        kinds.setdefault(row["kind"], []).append(row["iou"])
        print(f"  {row['file']} {row['kind']:20} {row['name']:24}",
              *(f"{value:.3f}" for value in row["iou"]), file=sys.stderr)
    print("| kind | pictures |", " | ".join(f"IoU {i + 1}" for i in range(len(programs))), "|")
    print("|---|---:|" + "---:|" * len(programs))
    for kind, values in kinds.items():
        means = np.mean(values, axis=0)
        print(f"| {kind} | {len(values)} |", " | ".join(f"{mean:.3f}" for mean in means), "|")


def main():
    if len(sys.argv) >= 3 and sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    elif len(sys.argv) >= 4 and sys.argv[1] == "judge":
        judge(Path(sys.argv[2]), sys.argv[3:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
