"""Whether polytope boundaries mark the boundaries between classes.

The claim (arXiv:2211.12312): boundaries between classes are places where polytope boundaries are
dense. So the segment between two inputs of different classes should cross more of them, per unit of
length, than the segment between two of one class; and that should come from training.

Held-out inputs, pairs of different classes matched in distance to pairs of the same class, exact
crossings. Nets are repeated, and intervals are over nets. Fixed beforehand: the finding shows up in
a data set if, in the last hidden layer, the 95 % interval of different / same is above 1 in trained
nets, and the interval of that ratio over the one of the same net before training is above 1 too.
"""

# %% Settings
import numpy as np
from common import Report, breast_cancer, digits, fitted, options, ratio_interval, save, verdict

from splinecode import lens, plots

chosen = options(__doc__)
NETS, PAIRS, EPOCHS = (2, 60, 4) if chosen.quick else (8, 600, 40)
HIDDEN = (128, 64, 32)
LAYERS = [*(f"relu{i + 1}" for i in range(len(HIDDEN))), "all layers"]
report = Report()
report.heading("Semantic boundaries")


# %% Density of nets before and after training
def densities(load, epochs):
    """Return the boundary density of each net, of a split of the data and a seed of its own."""
    found = []
    for seed in range(chosen.seed, chosen.seed + NETS):
        data = load(seed)
        net = fitted(data, HIDDEN, epochs, seed)
        found.append(
            lens.boundary_density(
                net,
                data.test_x,
                labels=data.test_y,
                n=PAIRS,
                matched=True,
                exact=True,
                seed=seed,
                resamples=0 if found else 200,
            )
        )
    return found


def ratios(found, count):
    """Return different / same of each net and layer, (nets, layers + 1)."""
    return np.stack([each.comparison[count].ratio.value for each in found])


# %% Both data sets
for load in (digits, breast_cancer):
    name = load(chosen.seed).name
    report.step(f"{name}: {NETS} nets before and after training, {PAIRS} pairs of each kind")
    before, after = densities(load, 0), densities(load, EPOCHS)
    print(after[0])
    rows = []
    for count in ("endpoint", "exact"):
        trained, control = ratios(after, count), ratios(before, count)
        rows += [
            (
                f"{count}, {layer}",
                ratio_interval(trained[:, i]),
                ratio_interval(control[:, i]),
                ratio_interval(trained[:, i] / control[:, i]),
            )
            for i, layer in enumerate(LAYERS)
        ]
    report.step(f"{name}: density of different / same class, interval over {NETS} nets")
    report.table(("", "trained", "random", "trained / random"), rows)
    last = rows[-2]  # exact, last hidden layer
    verdict(
        report,
        f"{name}: polytope boundaries are denser between classes",
        [
            ("different / same in trained nets", last[1], last[1].low > 1),
            ("that over the ratio before training", last[3], last[3].low > 1),
        ],
        quick=chosen.quick,
    )
    axes = plots.boundary_density(after[0], title=f"{name}: one trained net")
    save(axes[0], chosen.output / f"semantic_boundaries_{name.replace(' ', '_')}.png", report)
