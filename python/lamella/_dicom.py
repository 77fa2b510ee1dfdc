# SPDX-License-Identifier: Apache-2.0
"""Scores as DICOM, by highdicom: a parametric map, and the patches as bulk annotations."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import numpy as np

from lamella import _core
from lamella.interop import _package

# Codes of the DICOM standard's context groups and of SNOMED CT.
_REGION = ("111099", "DCM", "Selected region")
_ALGORITHM = ("123110", "DCM", "Artificial Intelligence")


def _code(highdicom: Any, code: tuple[str, str, str]) -> Any:
    value, scheme, meaning = code
    return highdicom.sr.CodedConcept(value=value, scheme_designator=scheme, meaning=meaning)


def _uid(highdicom: Any, *parts: object) -> str:
    """The same results have the same UIDs."""
    import hashlib

    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def _cells(scores: _core.Scores, column: int) -> tuple[np.ndarray[Any, Any], tuple[int, int]]:
    """Scores on their own grid, 0 where nothing was looked at, and the corner of the first cell."""
    x, y = np.asarray(scores.x_px), np.asarray(scores.y_px)
    width, height = scores.extent_px
    columns = np.rint((x - x.min()) / width).astype(int)
    rows = np.rint((y - y.min()) / height).astype(int)
    cells = np.zeros((rows.max() + 1, columns.max() + 1), np.float32)
    cells[rows, columns] = scores.values[:, column]
    return cells, (int(x.min()), int(y.min()))


def _facts(version: str) -> dict[str, str]:
    return {"manufacturer": "lamella", "manufacturer_model_name": "lamella",
            "software_versions": version, "device_serial_number": "0"}


def _parametric_map(highdicom: Any, image: Any, scores: _core.Scores, column: int,
                    uids: list[str]) -> Any:
    name = scores.classes[column]
    cells, (left, top) = _cells(scores, column)
    shared = image.SharedFunctionalGroupsSequence[0]
    spacing = [float(value) for value in shared.PixelMeasuresSequence[0].PixelSpacing]
    orientation = [float(value) for value in image.ImageOrientationSlide]
    origin = image.TotalPixelMatrixOriginSequence[0]
    # One step along a column, or a row, of the slide in mm.
    across = np.array(orientation[:3]) * spacing[1]
    down = np.array(orientation[3:]) * spacing[0]
    corner = (np.array([float(origin.XOffsetInSlideCoordinateSystem),
                        float(origin.YOffsetInSlideCoordinateSystem), 0.0])
              + left * across + top * down)
    width, height = scores.extent_px
    unit = highdicom.sr.CodedConcept("1", "UCUM", "no units")
    mapping = highdicom.pm.RealWorldValueMapping(
        lut_label=name[:16], lut_explanation=f"probability of {name}", unit=unit,
        value_range=(0.0, 1.0), slope=1.0, intercept=0.0)
    return highdicom.pm.ParametricMap(
        source_images=[image], pixel_array=cells[None, :, :, None], series_instance_uid=uids[0],
        series_number=100, sop_instance_uid=uids[1], instance_number=1,
        contains_recognizable_visual_features=False, real_world_value_mappings=[[mapping]],
        window_center=0.5, window_width=1.0,
        pixel_measures=highdicom.PixelMeasuresSequence(
            pixel_spacing=[spacing[0] * height, spacing[1] * width], slice_thickness=0.001,
            spacing_between_slices=0.001),
        plane_orientation=highdicom.PlaneOrientationSequence("SLIDE", orientation),
        plane_positions=[highdicom.PlanePositionSequence("SLIDE", corner.tolist(), (1, 1))],
        content_label="PROBABILITY", content_description=f"probability of {name}",
        **_facts(_core.version()))


def _annotations(highdicom: Any, image: Any, scores: _core.Scores, column: int,
                 uids: list[str]) -> Any:
    name = scores.classes[column]
    width, height = scores.extent_px
    patches = [np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
               for x, y in zip(np.asarray(scores.x_px), np.asarray(scores.y_px))]
    probability = highdicom.ann.Measurements(
        name=highdicom.sr.CodedConcept("111047", "DCM", "Probability of cancer")
        if "tumo" in name.lower() else highdicom.sr.CodedConcept("probability", "99LAMELLA",
                                                                 f"Probability of {name}"[:64]),
        values=np.asarray(scores.values[:, column], np.float32),
        unit=highdicom.sr.CodedConcept("1", "UCUM", "no units"))
    group = highdicom.ann.AnnotationGroup(
        number=1, uid=uids[2], label=f"{name} patches",
        annotated_property_category=_code(highdicom, ("91723000", "SCT", "Anatomical structure")),
        annotated_property_type=_code(highdicom, _REGION), graphic_type="POLYGON",
        graphic_data=patches, algorithm_type="AUTOMATIC",
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name="lamella", family=_code(highdicom, _ALGORITHM), version=_core.version()),
        measurements=[probability])
    return highdicom.ann.MicroscopyBulkSimpleAnnotations(
        source_images=[image], annotation_coordinate_type="2D", annotation_groups=[group],
        series_instance_uid=uids[0], series_number=101, sop_instance_uid=uids[1],
        instance_number=1, content_label="PATCHES", **_facts(_core.version()))


def write_dicom(scores: _core.Scores, source: Any, out: Any, slide: Any) -> dict[str, Any]:
    """out/map.dcm: a parametric map of the last class; out/patches.dcm: its patches as bulk
    annotations with their probabilities. slide: the DICOM file of the slide's full size."""
    highdicom, pydicom = _package("highdicom"), _package("pydicom")
    image = pydicom.dcmread(slide, stop_before_pixels=True)
    if "TotalPixelMatrixColumns" not in image:
        raise ValueError(f"{os.fspath(slide)}: is no DICOM whole-slide image")
    folder = pathlib.Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    column = len(scores.classes) - 1
    base = (image.SOPInstanceUID, scores.slide_id, scores.classes[column],
            np.asarray(scores.values).tobytes())
    uids = [[_uid(highdicom, kind, number, *base) for number in range(3)] for kind in "ab"]
    _parametric_map(highdicom, image, scores, column, uids[0]).save_as(folder / "map.dcm")
    _annotations(highdicom, image, scores, column, uids[1]).save_as(folder / "patches.dcm")
    return {"in": os.fspath(source), "out": os.fspath(out), "from": "scores", "to": "DICOM",
            "warnings": [], "patches": len(scores)}
