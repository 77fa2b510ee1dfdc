# SPDX-License-Identifier: Apache-2.0
"""Figures of fine-tuning, in an environment with torch, onnx and openslide:

    python benchmarks/finetuning.py epochs FOLDER    lite0: one process of one core against two
    python benchmarks/finetuning.py reading FOLDER   shuffled patches of six slides, a trivial network:
                                                     lamella against OpenSlide with 2 workers
    python benchmarks/finetuning.py idc FOLDER DATA  lite0 fine-tuned against a linear probe of it, on
                                                     the two patients of IDC, both ways

FOLDER keeps what was made; one JSON object on the last line. lamella is on PYTHONPATH, its program in
LAMELLA_PROGRAM.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = os.environ.get("LAMELLA_PROGRAM", "lamella")
STUDY = """
name = "{name}"
output = "{output}"
[slides]
table = "{table}"
[patches]
size_px = {size_px}
{scale}
{most}
[classes]
{classes}
[train]
l2 = "cv"
[score]
stride_px = {size_px}
[finetune]
network = "lite0"
precision = "f32"
held_out = 0
"""
BY_OUTLINES = 'normal = { rest_of_tissue = true }\ntumor = { annotations = ["Tumor"] }'


def program(*words):
    done = subprocess.run([PROGRAM, *map(str, words), "--quiet"], capture_output=True, text=True,
                          check=False, env={**os.environ, "LAMELLA_PYTHON": sys.executable})
    if done.returncode:
        raise SystemExit(f"{words[0]}: {done.stderr[-2000:]}")
    return done.stdout


def phantoms(folder, slides, size):
    if not (folder / "slides.csv").exists():
        program("phantom", "--out", folder, "--slides", slides, "--size-px", size, "--seed", 3)
        text = (folder / "slides.csv").read_text()
        (folder / "slides.csv").write_text(text.replace(",test,", ",train,").replace(
            ",score,", ",train,"))
    return folder / "slides.csv"


def epochs(folder):
    """Two epochs of the whole network after one of the head; the second's time is taken."""
    table = phantoms(folder / "phantoms", 4, "3000,2500")
    study = folder / "epochs.toml"
    results = {}
    for name, ranks in (("one", 1), ("two", 2)):
        output = folder / f"{name}-{time.time():.0f}"
        study.write_text(STUDY.format(name="epochs", output=output, table=table, size_px=224,
                                      scale="mpp = 0.5", most="max_per_slide = 24",
                                      classes=BY_OUTLINES))
        # As torchrun starts them, each on a core of its own.
        processes = [subprocess.Popen(
            ["taskset", "-c", str(rank), sys.executable, "-m", "lamella.finetuning", str(study),
             "--threads", "1", "--json", "--set=finetune.epochs=3", "--set=finetune.wrong_patches=0"],
            stdout=subprocess.PIPE, text=True,
            env={**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29517",
                 "RANK": str(rank), "WORLD_SIZE": str(ranks), "LOCAL_RANK": str(rank),
                 "LOCAL_WORLD_SIZE": str(ranks), "GLOO_SOCKET_IFNAME": "lo"})
            for rank in range(ranks)]
        told = [process.communicate()[0] for process in processes]
        results[name] = json.loads(told[0].strip().splitlines()[-1])["history"]
    one, two = (min(epoch["seconds"] for epoch in results[name][1:]) for name in ("one", "two"))
    # What it would be if nobody else were at the cores, and waiting for one another cost nothing.
    cpu_one, cpu_two = (min(epoch["cpu_seconds"] for epoch in results[name][1:])
                        for name in ("one", "two"))
    apart = max(abs(a["train_loss"] - b["train_loss"])
                for a, b in zip(results["one"], results["two"]))
    return {"seconds_of_one": one, "seconds_of_two": two, "times": one / two,
            "cpu_seconds_of_one": cpu_one, "cpu_seconds_of_two": cpu_two,
            "cpu_times": cpu_one / cpu_two, "largest_difference_of_losses": apart, "history": results}


def shuffled_cohort(folder):
    from lamella import _core
    from lamella.finetuning._cohort import read_cohort
    from lamella.finetuning._ranks import Ranks
    table = phantoms(folder / "many", 6, "6000,4500")
    study = folder / "reading.toml"
    study.write_text(STUDY.format(name="reading", output=folder / "reading", table=table,
                                  size_px=224, scale="mpp = 0.5", most="max_per_slide = 400",
                                  classes=BY_OUTLINES))
    return read_cohort(_core.Study(str(study)), 0, 1, Ranks(2))


def reading(folder):
    """Patches/s of both loops, in turn, seven times."""
    import torch
    from lamella.finetuning._order import epoch_order, steps_of
    from lamella.finetuning._reading import Reader
    from openslide_patches import Patches

    cohort = shuffled_cohort(folder)
    torch.set_num_threads(1)
    trivial = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
                                  torch.nn.Linear(3, 2))

    def use(pixels):
        with torch.no_grad():
            trivial(pixels.permute(0, 3, 1, 2).float())

    reader = Reader(cohort, 224, threads=2, memory_mb=256, skip=False)

    def ours(epoch):
        order = epoch_order(cohort.train, 1, epoch)
        start = time.monotonic()
        for step in reader.steps(steps_of(order, 32)):
            use(torch.from_numpy(step.pixels))
        return len(order) / (time.monotonic() - start)

    def place(row):
        plan = cohort.slides[cohort.slide_of[row]].plan
        at = cohort.row_of[row]
        return plan.slide_path, int(plan.x_px[at]), int(plan.y_px[at])

    def theirs(epoch):
        order = epoch_order(cohort.train, 1, epoch)
        loader = torch.utils.data.DataLoader(Patches([place(row) for row in order], 224),
                                             batch_size=32, num_workers=2)
        start = time.monotonic()
        for pixels in loader:
            use(pixels)
        return len(order) / (time.monotonic() - start)

    rates = [(ours(epoch), theirs(epoch)) for epoch in range(7)]
    a, b = (statistics.median(values) for values in zip(*rates))
    return {"patches": len(cohort.train), "lamella": a, "openslide_and_loader": b, "times": a / b,
            "rounds": rates}


def at_112_px(folder):
    """lite0 with an input of 112 px, a quarter of the work: the patches have 50 px."""
    import lamella
    import onnx
    from lamella import importing
    out = folder / "lite0-112"
    if out.exists():
        return out
    told = json.loads((Path(lamella._core.EncoderInfo("lite0").folder) / "encoder.json").read_text())
    model = onnx.load(Path(lamella._core.EncoderInfo("lite0").folder) / "network.onnx")
    for size in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        size.dim_value = 112
    onnx.save(model, folder / "lite0-112.onnx")
    return importing.import_onnx(folder / "lite0-112.onnx", out, input_px=112, mean=told["mean"],
                                 std=told["std"], outputs=told["outputs"], source=told["source"],
                                 licence=told["licence"])


def idc(folder, data):
    """Each way: the linear classifier on the features of lite0 at 112 px, and on those of the same
    network fine-tuned on the same patient with three seeds. Chosen beforehand: 6 epochs, the first of the head alone, rate
    1e-4, steps of 16, stains within 10 %, turned and mirrored."""
    rows = {name: f"{name},{data}/idc_{name}.tif,patient_{name}" for name in ("14082", "14306")}
    classes = "\n".join(f'{name} = {{ centers = ["{data}/{file}.txt"] }}'
                        for name, file in (("normal", "normal"), ("tumor", "tumor")))
    results = []
    encoder = at_112_px(folder)
    for train, test in (("14082", "14306"), ("14306", "14082")):
        table = folder / f"train_{train}.csv"
        table.write_text("slide_id,path,patient_id,role\n" + "".join(
            f"idc_{rows[name]},{role}\n" for name, role in ((train, "train"), (test, "test"))))
        study = folder / f"train_{train}.toml"
        study.write_text(STUDY.format(name=f"idc_{train}", output=folder / train, table=table,
                                      size_px=50, scale="level = 0", most="", classes=classes))

        def judge(what, network, seconds=None, study=study, train=train):
            told = json.loads(program("run", study, "--set", f"encoder.name={network}", "--set",
                                      "encoder.precision=f32", "--json"))
            figures = told["metrics"]["test"]
            row = {"train": train, "what": what, "seconds": seconds,
                   **{key: figures.get(key) for key in ("auc", "auc_low", "auc_high",
                                                        "average_precision", "n")}}
            results.append(row)
            print(json.dumps(row), flush=True)

        judge("linear probe, lite0 at 224 px", "lite0")
        judge("linear probe", encoder)
        for seed in (1, 2, 3):
            out = folder / f"{train}-seed{seed}"
            start = time.monotonic()
            program("finetune", study, "--network", encoder, "--seed", seed, "--epochs", 6, "--batch-size", 16,
                    "--out", out, "--threads", 1, "--wrong-patches", 0)
            judge(f"fine-tuned, seed {seed}", out, time.monotonic() - start)
    return {"results": results}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["epochs", "reading", "idc"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("data", nargs="?")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    folder = options.folder.resolve()
    made = idc(folder, Path(options.data).resolve()) if options.what == "idc" else \
        {"epochs": epochs, "reading": reading}[options.what](folder)
    print(json.dumps(made))


if __name__ == "__main__":
    main()
