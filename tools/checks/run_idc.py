# SPDX-License-Identifier: Apache-2.0
"""Runs the IDC studies and checks their figures against the targets."""

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from kill_runs import LEAST_KILLS, kill_runs

KILL_SECONDS = float(os.environ.get("LAMELLA_KILL_SECONDS", "600"))
DATA = Path("../shared/data/idc")
# Train, test, least AUC with lite0, with lite0-context.
PAIRS = [("14306", "14082", 0.965, 0.975), ("14082", "14306", 0.925, 0.94)]


def lamella(program: str, *words: str, codes: tuple[int, ...] = (0,)) -> dict:
    run = subprocess.run([program, *words, "--json", "--quiet"], capture_output=True, text=True,
                         check=False)
    sys.stderr.write(run.stderr)
    if run.returncode not in codes:
        sys.exit(f"lamella {' '.join(words)} ended with {run.returncode}")
    return json.loads(run.stdout)


def interval_of(metrics: dict) -> str:
    """By what was resampled, and as if patches were independent."""
    def ends(name: str) -> str:
        low, high = metrics[f"{name}_low"], metrics[f"{name}_high"]
        return "none" if low is None else f"{low:.4f}-{high:.4f}"
    return (f"{ends('auc')} by {metrics['intervals']['units']} {metrics['intervals']['unit']}, "
            f"{ends('auc_independent')} as if patches were independent")


def same_files(one: Path, two: Path, pattern: str) -> bool:
    names = sorted(path.relative_to(one) for path in one.rglob(pattern))
    return bool(names) and all(filecmp.cmp(one / name, two / name, shallow=False)
                               for name in names)


def centres_job(program: str, train: str, test: str, target: float) -> list[tuple[str, bool]]:
    """With one thread, then made again with two, in a folder of its own: nothing is reused."""
    study = f"studies/idc/train_{train}.toml"
    one = lamella(program, "run", study, "--threads", "1")
    other = Path(f"out/idc/train_{train}_threads2").absolute()
    two = lamella(program, "runs", "reproduce", one["run_dir"], "--threads", "2", "--out",
                  str(other), codes=(0, 1))
    metrics = one["metrics"]["test"]
    print(f"train {train} -> test {test}: AUC {metrics['auc']:.4f} "
          f"({interval_of(metrics)}), target {target}; "
          f"ECE {metrics['ece']:.4f}; precision {one['precision']}; seconds {one['seconds']}")
    first = Path(f"out/idc/train_{train}")
    same = two["identical"] and same_files(first / "scores", other / "scores", "*.csv")
    return [(f"AUC of {train}->{test} at least {target}", metrics["auc"] >= target),
            (f"{train}->{test}: made again with 2 threads it is the same bit for bit", same)]


def context_job(program: str, train: str, test: str, target: float) -> list[tuple[str, bool]]:
    """Two fields of view of each centre."""
    out = Path(f"out/idc/train_{train}_context").absolute()
    run = lamella(program, "run", f"studies/idc/train_{train}.toml", "--set", f"output={out}",
                  "--set", "encoder.name=lite0-context")
    metrics = run["metrics"]["test"]
    print(f"train {train} -> test {test}, lite0-context: AUC {metrics['auc']:.4f} "
          f"({interval_of(metrics)}), target {target}; "
          f"ECE {metrics['ece']:.4f}")
    return [(f"lite0-context {train}->{test} at least {target}", metrics["auc"] >= target)]


def polygons_job(program: str, train: str, test: str) -> list[tuple[str, bool]]:
    """Trained from the polygons, judged on the test patient's centres."""
    out = Path(f"out/idc/polygons_{train}")
    lamella(program, "run", f"studies/idc/polygons_{train}.toml")
    slide, plan = f"{DATA}/idc_{test}.tif", f"{out}/centres.h5"
    features, scores = f"{out}/centres_features.h5", f"{out}/idc_{test}.csv"
    lamella(program, "plan", "--slide", slide, "--size-px", "50", "--level", "0", "--centers",
            f"{DATA}/tumor.txt:tumor", f"{DATA}/normal.txt:normal", "--classes", "normal", "tumor",
            "--out", plan)
    lamella(program, "encode", "--slide", slide, "--plan", plan, "--out", features)
    lamella(program, "score", "--features", features, "--model", f"{out}/model", "--out", scores)
    auc = lamella(program, "evaluate", "--scores", scores, "--truth", plan)["auc"]
    print(f"train {train} from polygons -> centres of {test}: AUC {auc:.4f}")
    return [(f"polygons {train}->{test} trains and scores (AUC above 0.85)", auc > 0.85)]


def changed_job(program: str, train: str, test: str) -> list[tuple[str, bool]]:
    """Made again: identical; refused, and the file named, after one byte of an annotation."""
    folder = Path("out/idc/changed").absolute()
    folder.mkdir(parents=True)
    lines = ["slide_id,path,patient_id,role,annotations"]
    for name, role in ((train, "train"), (test, "test")):
        shutil.copyfile(DATA / f"idc_{name}.xml", folder / f"{name}.xml")
        lines.append(f"idc_{name},{(DATA / f'idc_{name}.tif').absolute()},{name},{role},"
                     f"{folder / name}.xml")
    (folder / "slides.csv").write_text("\n".join(lines) + "\n")
    text = Path(f"studies/idc/polygons_{train}.toml").read_text()
    for key, value in (("output", folder / "out"), ("table", folder / "slides.csv")):
        text = re.sub(rf"(?m)^{key}\s*=.*$", f'{key} = "{value}"', text)
    (folder / "study.toml").write_text(text)
    run = lamella(program, "run", str(folder / "study.toml"))["run_dir"]
    again = lamella(program, "runs", "reproduce", run, codes=(0, 1))

    annotation = folder / f"{test}.xml"
    kept = annotation.read_bytes()
    at = kept.index(b'X="') + 3
    annotation.write_bytes(kept[:at] + (b"2" if kept[at:at + 1] == b"1" else b"1") + kept[at + 1:])
    refused = lamella(program, "runs", "reproduce", run, codes=(1,))
    names = [item["name"] for item in refused["changed"]]
    print(f"made again: identical {again['identical']}; one byte changed: {names}")
    named = len(names) == 1 and names[0].startswith(f"annotations idc_{test} ")
    return [("a run from polygons made again is identical", again["identical"]),
            ("one byte of an annotation is named, and nothing is computed",
             named and refused["run_id"] == "")]


def kill_job(program: str, train: str) -> list[tuple[str, bool]]:
    """Killed at LAMELLA_KILLS random moments, as many of them as LAMELLA_KILL_SECONDS allow."""
    kills = int(os.environ.get("LAMELLA_KILLS", "100"))
    try:
        found = kill_runs(program, f"studies/idc/train_{train}.toml",
                          Path("out/idc/kills").absolute(), kills=kills, seconds=KILL_SECONDS,
                          options=("--threads", "2"))
    except AssertionError as error:
        print(f"killed runs: {error}")
        return [("killed runs end as undisturbed ones", False)]
    print(f"{found.kills} kills in {found.rounds} rounds: {found.reused} patches found finished, "
          f"{found.resumed} in the middle of a slide")
    return [(f"runs killed {found.kills} times end as undisturbed ones",
             found.reused > 0 and found.kills >= min(kills, LEAST_KILLS))]


def main() -> int:
    program = sys.argv[1]
    checks = kill_job(program, PAIRS[0][0])
    for train, test, target, with_context in PAIRS:
        checks += centres_job(program, train, test, target)
        checks += context_job(program, train, test, with_context)
        checks += polygons_job(program, train, test)
    checks += changed_job(program, *PAIRS[0][:2])
    for name, good in checks:
        print(f"{'ok    ' if good else 'FAILED'} {name}")
    failed = sum(not good for _, good in checks)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
