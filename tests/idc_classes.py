# SPDX-License-Identifier: Apache-2.0
"""Three classes on the real IDC sections: tumour, and the other tiles parted by how much they hold."""

import os
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("LAMELLA_TEST_DATA", ROOT.parent / "shared" / "data")) / "idc"
PATIENTS = ("idc_14306", "idc_14082")
CLASSES = ("loose", "dense", "tumor")
PX = 50


def optical_density(pixels: np.ndarray) -> float:
    """Mean over pixels and channels; white has 0."""
    return float(-np.log10((pixels.astype(np.float64) + 1) / 256).mean())


def read_centres(name: str) -> list[tuple[str, int, int]]:
    rows = [line.split(",") for line in (DATA / name).read_text().split()]
    return [(slide, int(x), int(y)) for slide, x, y in rows]


def write_lists(folder: Path, train: str) -> dict[str, Path]:
    """A list of centres for each class. The tiles that are not tumour are dense if their optical
    density is above the median of the training patient's."""
    import lamella
    slides = {patient: lamella.Slide(DATA / f"{patient}.tif") for patient in PATIENTS}
    normal = read_centres("normal.txt")
    density = [optical_density(slides[slide.lower()].read_region(x - PX // 2, y - PX // 2, PX, PX))
               for slide, x, y in normal]
    of_train = [value for (slide, _, _), value in zip(normal, density) if slide.lower() == train]
    limit = float(np.median(of_train))
    rows = {"dense": [row for row, value in zip(normal, density) if value > limit],
            "loose": [row for row, value in zip(normal, density) if value <= limit],
            "tumor": read_centres("tumor.txt")}
    lists = {}
    for name in CLASSES:
        lists[name] = folder / f"{name}.txt"
        lists[name].write_text("".join(f"{slide},{x},{y}\n" for slide, x, y in rows[name]))
    return lists


def write_study(folder: Path, train: str, test: str) -> Path:
    lists = write_lists(folder, train)
    (folder / "slides.csv").write_text(
        "slide_id,path,patient_id,role\n" +
        "".join(f"{patient},{DATA / patient}.tif,{patient},{role}\n"
                for patient, role in ((train, "train"), (test, "test"))))
    classes = "".join(f'{name} = {{ centers = ["{lists[name]}"] }}\n' for name in CLASSES)
    path = folder / "study.toml"
    path.write_text(f'name = "three"\noutput = "out"\n[slides]\ntable = "slides.csv"\n'
                    f"[patches]\nsize_px = {PX}\nlevel = 0\n[classes]\n{classes}"
                    f'[encoder]\nprecision = "f32"\n[score]\nstride_px = {PX}\n'
                    f'[heatmap]\nclass = "most likely"\n')
    return path
