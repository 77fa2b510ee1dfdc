# SPDX-License-Identifier: Apache-2.0
"""Runs the IDC studies and checks their figures against the targets."""

import filecmp
import json
import subprocess
import sys
from pathlib import Path

DATA = Path("../shared/data/idc")
# Train, test, least AUC with lite0, with lite0-context.
PAIRS = [("14306", "14082", 0.965, 0.975), ("14082", "14306", 0.925, 0.94)]


def lamella(program: str, *words: str) -> dict:
    run = subprocess.run([program, *words, "--json", "--quiet"], capture_output=True, text=True,
                         check=False)
    sys.stderr.write(run.stderr)
    if run.returncode != 0:
        sys.exit(f"lamella {' '.join(words)} ended with {run.returncode}")
    return json.loads(run.stdout)


def same_files(one: Path, two: Path, pattern: str) -> bool:
    names = sorted(path.relative_to(one) for path in one.rglob(pattern))
    return bool(names) and all(filecmp.cmp(one / name, two / name, shallow=False)
                               for name in names)


def centres_job(program: str, train: str, test: str, target: float) -> list[tuple[str, bool]]:
    """Both thread counts; the second into a folder of its own, so that nothing is reused."""
    study = f"studies/idc/train_{train}.toml"
    one = lamella(program, "run", study, "--threads", "1")
    other = Path(f"out/idc/train_{train}_threads2").absolute()
    two = lamella(program, "run", study, "--threads", "2", "--set", f"output={other}")
    metrics = one["metrics"]["test"]
    print(f"train {train} -> test {test}: AUC {metrics['auc']:.4f} "
          f"({metrics['auc_low']:.4f}-{metrics['auc_high']:.4f}), target {target}; "
          f"ECE {metrics['ece']:.4f}; precision {one['precision']}; seconds {one['seconds']}")
    first = Path(f"out/idc/train_{train}")
    same = one["metrics"] == two["metrics"] and same_files(first / "scores", other / "scores",
                                                           "*.csv")
    return [(f"AUC of {train}->{test} at least {target}", metrics["auc"] >= target),
            (f"{train}->{test}: 1 and 2 threads agree bit for bit", same)]


def context_job(program: str, train: str, test: str, target: float) -> list[tuple[str, bool]]:
    """Two fields of view of each centre."""
    out = Path(f"out/idc/train_{train}_context").absolute()
    run = lamella(program, "run", f"studies/idc/train_{train}.toml", "--set", f"output={out}",
                  "--set", "encoder.name=lite0-context")
    metrics = run["metrics"]["test"]
    print(f"train {train} -> test {test}, lite0-context: AUC {metrics['auc']:.4f} "
          f"({metrics['auc_low']:.4f}-{metrics['auc_high']:.4f}), target {target}; "
          f"ECE {metrics['ece']:.4f}")
    return [(f"lite0-context {train}->{test} at least {target}", metrics["auc"] >= target)]


def polygons_job(program: str, train: str, test: str) -> list[tuple[str, bool]]:
    """Trained from the polygons, judged on the test patient's centres."""
    out = Path(f"out/idc/polygons_{train}")
    lamella(program, "run", f"studies/idc/polygons_{train}.toml")
    slide, plan = f"{DATA}/idc_{test}.tif", f"{out}/centres.h5"
    features, scores = f"{out}/centres_features.h5", f"{out}/idc_{test}.csv"
    lamella(program, "plan", "--slide", slide, "--size-px", "50", "--level", "0", "--centers",
            f"{DATA}/tumor.txt:1", f"{DATA}/normal.txt:0", "--out", plan)
    lamella(program, "encode", "--slide", slide, "--plan", plan, "--out", features)
    lamella(program, "score", "--features", features, "--model", f"{out}/model", "--out", scores)
    auc = lamella(program, "evaluate", "--scores", scores, "--truth", plan)["auc"]
    print(f"train {train} from polygons -> centres of {test}: AUC {auc:.4f}")
    return [(f"polygons {train}->{test} trains and scores (AUC above 0.85)", auc > 0.85)]


def main() -> int:
    program = sys.argv[1]
    checks = []
    for train, test, target, with_context in PAIRS:
        checks += centres_job(program, train, test, target)
        checks += context_job(program, train, test, with_context)
        checks += polygons_job(program, train, test)
    for name, good in checks:
        print(f"{'ok    ' if good else 'FAILED'} {name}")
    failed = sum(not good for _, good in checks)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
