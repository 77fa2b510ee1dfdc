# SPDX-License-Identifier: Apache-2.0
"""The tables, as Arrow and as Spark know them."""

from __future__ import annotations

from collections.abc import Iterable

import lamella
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    ByteType,
    DoubleType,
    FloatType,
    LongType,
    StringType,
    StructField,
    StructType,
)

# Of a slides table, and what the verb plan adds to it.
PLANS = pa.schema([
    ("slide_id", pa.string()), ("path", pa.string()),
    ("mpp", pa.float64()),         # µm per level-0 px, wins over the file's; null: the file's
    ("patches", pa.int64()),
    ("plan", pa.binary()),         # the plan file
    ("warnings", pa.list_(pa.string())),
    ("error", pa.string()),        # null where all is well
    ("executor", pa.string()),
])

# The same of a study, which plans a slide more than once and keeps files of what was made.
STUDY_PLANS = pa.schema([
    *PLANS, ("kind", pa.string()),
    ("tile_order", pa.binary()),   # uint32: rows in the order in which pieces read them
    ("features_path", pa.string()), ("key", pa.string()),
])

# A part of a plan: rows [begin, end) of its tile order. Or a slide that failed: error alone.
PIECES = pa.schema([
    ("slide_id", pa.string()), ("path", pa.string()), ("mpp", pa.float64()), ("piece", pa.int64()),
    ("rows", pa.binary()),         # uint32: rows of the whole plan
    ("plan", pa.binary()),         # of these rows alone
    ("plan_sha256", pa.string()),  # of the whole plan's file
    ("error", pa.string()),
])

FEATURES = pa.schema([
    ("slide_id", pa.string()),
    ("row", pa.int64()),           # of the plan; null in a row that reports an error
    ("x_px", pa.int64()), ("y_px", pa.int64()), ("label", pa.int8()),
    ("features", pa.list_(pa.float32())),
    ("feature_space", pa.string()), ("precision", pa.string()), ("plan_sha256", pa.string()),
    ("executor", pa.string()),
    ("error", pa.string()),
    ("left_out", pa.int64()),      # row of the plan that cannot be read: error says why
    ("piece", pa.int64()),         # stays inside
])

TYPES = {pa.string(): StringType(), pa.float64(): DoubleType(), pa.float32(): FloatType(),
         pa.int64(): LongType(), pa.int8(): ByteType(), pa.binary(): BinaryType(),
         pa.list_(pa.string()): ArrayType(StringType()),
         pa.list_(pa.float32()): ArrayType(FloatType()),
         pa.list_(pa.int64()): ArrayType(LongType())}


def sql(schema: Iterable[pa.Field]) -> str:
    # Names of classes may hold blanks.
    return ", ".join(f"`{field.name.replace('`', '``')}` {TYPES[field.type].simpleString()}"
                     for field in schema)


def probabilities(classes: list[str]) -> list[pa.Field]:
    """A column of scores for each class."""
    return [pa.field(f"prob_{name}", pa.float32()) for name in classes]


def extras(table: DataFrame, own: Iterable[str], made: Iterable[str], verb: str) -> list[str]:
    """The user's own columns, which pass through: those that are not the verb's to read (own).
    Error: one has the name of a column that the verb makes."""
    own, made = set(own), {name.lower() for name in made}
    names = [name for name in table.columns if name not in own]
    for name in names:
        if name.lower() in made:
            raise lamella.Error(f"found the column '{name}', which {verb} makes itself; rename or "
                                "drop it")
    return names


def with_extras(made: Iterable[pa.Field], table: DataFrame, names: list[str]) -> StructType:
    """The columns made, then those of the table with these names."""
    fields = [StructField(field.name, TYPES[field.type], True) for field in made]
    return StructType([*fields, *(table.schema[name] for name in names)])
