# SPDX-License-Identifier: Apache-2.0
"""A strict checker of GeoJSON for QuPath, written by us from QuPath's documentation and from what is
known of its reader (it is not QuPath's own code): what it accepts, QuPath 0.4 and later opens."""

import math
import uuid

import shapely
import shapely.geometry

OBJECTS = {"annotation", "detection", "tile", "cell", "tmaCore", "root"}
GEOMETRIES = {"Polygon", "MultiPolygon", "LineString", "MultiLineString", "Point", "MultiPoint"}


def check_colour(colour):
    assert isinstance(colour, list) and len(colour) == 3, colour
    assert all(isinstance(part, int) and 0 <= part <= 255 for part in colour), colour


def check_ring(ring, hole):
    assert ring[0] == ring[-1], "a ring is closed"
    assert len(ring) >= 4
    area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, ring[1:])) / 2
    assert (area < 0) == hole, "shells run one way, holes the other (RFC 7946)"


def check_geometry(geometry):
    assert geometry["type"] in GEOMETRIES, geometry["type"]
    polygons = {"Polygon": [geometry["coordinates"]],
                "MultiPolygon": geometry["coordinates"]}.get(geometry["type"], [])
    for polygon in polygons:
        for number, ring in enumerate(polygon):
            check_ring(ring, number > 0)
    shape = shapely.geometry.shape(geometry)
    assert shape.is_valid and not shape.is_empty
    return shape


def check_properties(properties):
    assert properties.get("objectType", "annotation") in OBJECTS
    classification = properties.get("classification")
    if isinstance(classification, dict):
        # An object with a name alone is an error of QuPath's reader.
        assert ("name" in classification) != ("names" in classification)
        check_colour(classification["color"])
    else:
        assert classification is None or isinstance(classification, str)
    if "color" in properties:
        check_colour(properties["color"])
    for name, value in properties.get("measurements", {}).items():
        assert isinstance(name, str)
        assert value in ("NaN", "Infinity", "-Infinity") or (
            isinstance(value, (int, float)) and math.isfinite(value))


def check(document):
    """The features' shapes. AssertionError: QuPath would refuse it, or read something else."""
    assert document["type"] == "FeatureCollection"
    shapes, ids = [], set()
    for feature in document["features"]:
        assert feature["type"] == "Feature"
        ids.add(str(uuid.UUID(feature["id"])))
        check_properties(feature["properties"])
        shapes.append(check_geometry(feature["geometry"]))
    assert len(ids) == len(shapes), "each object has an id of its own"
    return shapes
