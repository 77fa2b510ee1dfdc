# SPDX-License-Identifier: Apache-2.0
"""Every verb once, in the session's own process: what each version of Spark must pass."""

import lamella
import lamella.spark
import numpy as np
import pyspark
import pytest
from conftest import local_session, program
from study_test import compare, write_study

OPTIONS = {"size_px": 56, "mpp": 1.0, "classes": ["normal", "tumor"], "groups": ["Tumor:tumor"],
           "rest_of_tissue": "normal", "max_per_slide": 10}


@pytest.fixture(scope="module")
def spark():
    with local_session() as spark:
        yield spark


def test_the_verbs(spark, table, tmp_path):
    print(f"Spark {pyspark.__version__}")
    slides = spark.createDataFrame([{**row, "site": "A"} for row in table[:2]])
    plans = lamella.spark.plan(slides, **OPTIONS).persist()
    features = lamella.spark.encode(plans, precision="f32").persist()
    model = lamella.spark.train(features, plans, l2=0.1)
    scores = lamella.spark.score(features, model).orderBy("slide_id", "row").collect()
    made = {}
    for row in table[:2]:
        plan = lamella.plan(row["path"], annotations=[row["annotations"]], slide_id=row["slide_id"],
                            **OPTIONS)
        made[row["slide_id"]] = lamella.encode(row["path"], plan, precision="f32")
    own = lamella.train(list(made.values()), l2=0.1)
    assert own.weights.tobytes() == model.weights.tobytes()
    for name, part in made.items():
        mine = [[row["prob_normal"], row["prob_tumor"]] for row in scores if row["slide_id"] == name]
        assert np.array(mine, np.float32).tobytes() == lamella.score(part, own).values.tobytes()
    assert {row["site"] for row in scores} == {"A"}

    table_of_features = str(tmp_path / "features")
    assert lamella.spark.write(features, table_of_features, format="parquet").version is None
    again = lamella.spark.encode(plans, precision="f32", skip=table_of_features)
    assert again.count() == 0
    lamella.spark.write(features.where("slide_id = 'phantom_01'"), table_of_features,
                        format="parquet")
    assert spark.read.parquet(table_of_features).count() == features.count()


def test_a_study(spark, cohort, tmp_path):
    result = lamella.spark.run(write_study(tmp_path, cohort / "slides.csv", "spark"), spark,
                               delta=False)
    printed = program("run", write_study(tmp_path, cohort / "slides.csv", "cli"))
    assert result["metrics"] == printed["metrics"]
    compare(tmp_path / "spark", tmp_path / "cli")
    assert result["spark"]["version"] == pyspark.__version__
