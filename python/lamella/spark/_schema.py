# SPDX-License-Identifier: Apache-2.0
"""The tables, as Arrow and as Spark know them."""

from __future__ import annotations

import pyarrow as pa

PLANS = pa.schema([
    ("slide_id", pa.string()), ("kind", pa.string()), ("path", pa.string()),
    ("mpp", pa.float64()),         # µm per level-0 px, wins over the file's; null: the file's
    ("patches", pa.int64()),
    ("plan", pa.binary()),         # the plan file
    ("tile_order", pa.binary()),   # uint32: rows in the order in which pieces read them
    ("warnings", pa.list_(pa.string())),
    ("error", pa.string()),        # null where all is well
    ("executor", pa.string()),
    ("features_path", pa.string()), ("key", pa.string()),  # of a study's piece
])

# A part of a plan: rows [begin, end) of its tile order.
PIECES = pa.schema([
    ("slide_id", pa.string()), ("kind", pa.string()), ("path", pa.string()),
    ("mpp", pa.float64()), ("piece", pa.int64()),
    ("rows", pa.binary()),         # uint32: rows of the whole plan
    ("plan", pa.binary()),         # of these rows alone
])

FEATURES = pa.schema([
    ("slide_id", pa.string()), ("kind", pa.string()),
    ("row", pa.int64()),           # of the plan; null in a row that reports an error
    ("x_px", pa.int64()), ("y_px", pa.int64()), ("label", pa.int8()),
    ("features", pa.list_(pa.float32())),
    ("feature_space", pa.string()), ("precision", pa.string()),
    ("piece", pa.int64()), ("executor", pa.string()),
    ("error", pa.string()),
    ("left_out", pa.int64()),      # row of the plan that cannot be read: error says why
])


def scored(classes: list[str]) -> pa.Schema:
    """A probability for each class."""
    return pa.schema([*(field for field in FEATURES if field.name != "features"),
                      *(pa.field(f"prob_{name}", pa.float32()) for name in classes)])


SQL_TYPES = {pa.string(): "string", pa.float64(): "double", pa.float32(): "float",
             pa.int64(): "long", pa.int8(): "tinyint", pa.binary(): "binary",
             pa.list_(pa.string()): "array<string>", pa.list_(pa.float32()): "array<float>"}


def sql(schema: pa.Schema) -> str:
    # Names of classes may hold blanks.
    return ", ".join(f"`{field.name.replace('`', '``')}` {SQL_TYPES[field.type]}"
                     for field in schema)
