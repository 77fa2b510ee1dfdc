# SPDX-License-Identifier: Apache-2.0
"""Results in formats whose own packages write them: `lamella.convert(scores, out, to=...)`.

    to            out                      package
    parquet       table of Parquet         pyarrow
    arrow         Arrow's IPC file         pyarrow
    anndata       .h5ad, or a .zarr folder anndata
    spatialdata   .zarr folder             spatialdata
    dicom         folder of DICOM objects  highdicom (the slide must be DICOM)

A package that is missing is an ImportError that names it.
"""

from __future__ import annotations

import functools
import importlib
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from lamella import _core, _verbs
from lamella._errors import Error

Path = str | os.PathLike[str]


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        top = name.partition(".")[0]
        raise ImportError(f"found no package {error.name}; writing this needs it: pip install {top}"
                          ) from error


def _load(source: Path) -> Any:
    """Scores of a CSV, features of an HDF5 file."""
    path = pathlib.Path(source)
    kind = _core.Features if path.suffix in (".h5", ".hdf5") else _core.Scores
    return kind.load(path)


def _result(source: Path, out: Path, to: str, **counts: int) -> dict[str, Any]:
    return {"in": os.fspath(source), "out": os.fspath(out), "from": "scores or features", "to": to,
            "warnings": [], **counts}


def write_parquet(source: Path, out: Path, *, slide: Path | None = None) -> dict[str, Any]:
    """Positions with probabilities, or with feature vectors; slide id and the like are metadata."""
    pyarrow, parquet = _package("pyarrow"), _package("pyarrow.parquet")
    table = pyarrow.table(_load(source))
    parquet.write_table(table, out)
    return _result(source, out, "Parquet", patches=table.num_rows)


def write_arrow(source: Path, out: Path, *, slide: Path | None = None) -> dict[str, Any]:
    """The same as a file of Arrow's IPC format (Feather 2)."""
    pyarrow, feather = _package("pyarrow"), _package("pyarrow.feather")
    table = pyarrow.table(_load(source))
    feather.write_feather(table, os.fspath(out), compression="uncompressed")
    return _result(source, out, "Arrow", patches=table.num_rows)


def _grid(loaded: Any) -> tuple[np.ndarray[Any, Any], tuple[float, float]]:
    """Top-left corners (n x 2) and the side of the patches, level-0 px."""
    if isinstance(loaded, _core.Features):
        plan = loaded.plan
        corners = np.stack([np.asarray(plan.x_px), np.asarray(plan.y_px)], axis=1)
        return corners.astype(float), tuple(plan.extent_px)
    corners = np.stack([np.asarray(loaded.x_px), np.asarray(loaded.y_px)], axis=1)
    return corners.astype(float), loaded.extent_px


def _anndata(source: Path) -> Any:
    anndata, pandas = _package("anndata"), _package("pandas")
    loaded = _load(source)
    corners, (width, height) = _grid(loaded)
    obs = pandas.DataFrame({"x_px": corners[:, 0], "y_px": corners[:, 1]},
                           index=[str(row) for row in range(len(corners))])
    if isinstance(loaded, _core.Features):
        values, names = loaded.values, [f"f{k}" for k in range(loaded.values.shape[1])]
        uns = {"feature_space": loaded.feature_space}
    else:
        values, names = loaded.values, [f"prob_{name}" for name in loaded.classes]
        obs["class"] = pandas.Categorical.from_codes(
            np.argmax(loaded.values, axis=1), loaded.classes)
        uns = {}
    table = anndata.AnnData(np.array(values, dtype=np.float32), obs=obs,
                            var=pandas.DataFrame(index=names))
    # Centres, as scanpy and squidpy have them.
    table.obsm["spatial"] = corners + np.array([width, height]) / 2
    table.uns.update(slide_id=loaded.slide_id, patch_px=[float(width), float(height)], **uns)
    return table


def write_anndata(source: Path, out: Path, *, slide: Path | None = None) -> dict[str, Any]:
    """X: probabilities or features; obsm["spatial"]: centres in level-0 px."""
    table = _anndata(source)
    if os.fspath(out).endswith(".zarr"):
        table.write_zarr(out)
    else:
        table.write_h5ad(out)
    return _result(source, out, "AnnData", patches=table.n_obs)


def write_spatialdata(source: Path, out: Path, *, slide: Path | None = None) -> dict[str, Any]:
    """shapes["patches"]: the squares in level-0 px; tables["patches"]: what AnnData holds."""
    spatialdata, geopandas = _package("spatialdata"), _package("geopandas")
    shapely, models = _package("shapely"), _package("spatialdata.models")
    table = _anndata(source)
    width, height = table.uns["patch_px"]
    x, y = table.obs["x_px"].to_numpy(), table.obs["y_px"].to_numpy()
    frame = geopandas.GeoDataFrame(geometry=shapely.box(x, y, x + width, y + height),
                                   index=table.obs.index)
    table.obs["region"] = "patches"
    table.obs["region"] = table.obs["region"].astype("category")
    table.obs["instance_id"] = table.obs.index
    parsed = models.TableModel.parse(table, region="patches", region_key="region",
                                     instance_key="instance_id")
    data = spatialdata.SpatialData(shapes={"patches": models.ShapesModel.parse(frame)},
                                   tables={"patches_table": parsed})
    data.write(os.fspath(out))
    return _result(source, out, "SpatialData", patches=table.n_obs)


def write_dicom(source: Path, out: Path, *, slide: Path | None = None) -> dict[str, Any]:
    from lamella._dicom import write_dicom as write

    if slide is None:
        raise ValueError("DICOM results belong to a slide; give slide=, its DICOM file")
    return write(_core.Scores.load(pathlib.Path(source)), source, out, slide)


WRITERS: dict[str, Callable[..., dict[str, Any]]] = {
    "parquet": write_parquet, "arrow": write_arrow, "anndata": write_anndata,
    "spatialdata": write_spatialdata, "dicom": write_dicom}


@functools.wraps(_verbs.convert)
def convert(source: Path, out: Path, *, slide: Path | None = None, to: str = "",
            **options: Any) -> Any:
    if to not in WRITERS:
        return _verbs.convert(source, out, slide=slide, to=to, **options)
    left = {name: value for name, value in options.items() if name not in ("threads", "progress")}
    if left:
        raise TypeError(f"convert: {', '.join(left)}: not for to='{to}'")
    return WRITERS[to](source, out, slide=slide)


__all__ = ["WRITERS", "Error", "convert", "write_anndata", "write_arrow", "write_dicom",
           "write_parquet", "write_spatialdata"]
