"""Whether polytope boundaries lie in a dense shell towards the origin.

The claim (arXiv:2211.12312): scaling an input crosses most boundaries in a dense shell on the side
of the origin; far out there are few, so that there a direction means the same at any length.

All exact crossings of alpha x, alpha from 0.01 to 4, for held-out inputs. Nets are repeated, and
intervals are over nets. Fixed beforehand: the shell shows up in a data set if, in trained nets with
biases, density per unit length at alpha < 1 over that at 1 < alpha < 2 is above 2, and the shortest
range of alpha that holds half of the crossings ends below 1 (mean over inputs), intervals included;
and it comes from training if that ratio of densities over the one of the same net before training
is above 1, interval included.

Two controls: the same nets before training, and nets without biases, whose boundaries all pass
through the origin, so that a ray crosses none: what is counted there is rounding.
"""

# %% Settings
import numpy as np
from common import (
    Report,
    breast_cancer,
    digits,
    fitted,
    interval,
    options,
    ratio_interval,
    save,
    verdict,
)

from splinecode import lens, plots

chosen = options(__doc__)
NETS, INPUTS, EPOCHS = (2, 30, 4) if chosen.quick else (8, 300, 40)
HIDDEN = (128, 64, 32)
LOW, HIGH, BINS = 0.01, 4.0, 399  # a bin edge at 1 and at 2
report = Report()
report.heading("Scaling inputs: the dense shell")


# %% Rays of one kind of net
def rays(load, epochs, bias=True):
    """Return the crossings along rays of each net, of a split of the data and a seed of its own."""
    found = []
    for seed in range(chosen.seed, chosen.seed + NETS):
        data = load(seed)
        net = fitted(data, HIDDEN, epochs, seed, bias=bias)
        found.append(lens.scaling(net, data.test_x[:INPUTS], low=LOW, high=HIGH, bins=BINS))
    return found


def density(found, low, high):
    """Return the mean density between two alphas, all layers together."""
    middles = (found.edges[1:] + found.edges[:-1]) / 2
    some = (low < middles) & (middles < high)
    return float(found.layer_density().sum(axis=1)[some].mean())


def contrast(found):
    """Return density within the input's norm over that as far again beyond it."""
    return density(found, 0, 1) / density(found, 1, 2)


def densest(found):
    """Return the middle of the bin of the highest mean density."""
    bin_ = found.layer_density().sum(axis=1).argmax()
    return float(found.edges[bin_ : bin_ + 2].mean())


def row(name, nets):
    """Return a line of the table: mean of nets with their interval."""
    crossings = interval([each.counts.sum(axis=(1, 2)).mean() for each in nets])
    if not any(each.counts.any() for each in nets):
        return (name, crossings, *["-"] * 5)
    return (
        name,
        crossings,
        ratio_interval([contrast(each) for each in nets]),
        interval([densest(each) for each in nets]),
        *(interval([np.nanmean(each.shell[:, end]) for each in nets]) for end in (0, 1)),
        interval([each.kept()[-1] for each in nets]),
    )


# %% Both data sets
for load in (digits, breast_cancer):
    name = load(chosen.seed).name
    report.step(f"{name}: {NETS} nets of each kind, up to {INPUTS} rays each")
    trained = rays(load, EPOCHS)
    print(trained[0])
    random = rays(load, 0)
    rows = [
        row("trained", trained),
        row("random", random),
        row("trained, no biases", rays(load, EPOCHS, bias=False)),
    ]
    report.step(f"{name}: interval over {NETS} nets")
    header = ("nets", "crossings a ray", "density below 1 / beyond", "densest", "half from", "to")
    report.table((*header, f"class kept at {HIGH:g}"), rows)
    _, _, denser, _, _, end, _ = rows[0]
    verdict(
        report,
        f"{name}: a dense shell lies towards the origin",
        [
            ("density at alpha < 1 over that at 1 < alpha < 2", denser, denser.low > 2),
            ("half of the crossings end at alpha", end, end.high < 1),
        ],
        quick=chosen.quick,
    )
    more = ratio_interval([contrast(a) / contrast(b) for a, b in zip(trained, random, strict=True)])
    verdict(
        report,
        f"{name}: the shell comes from training",
        [("density below 1 over beyond, trained over random", more, more.low > 1)],
        quick=chosen.quick,
    )
    axes = plots.line_density(trained[0])
    save(np.ravel(axes)[0], chosen.output / f"scaling_shell_{name.replace(' ', '_')}.png", report)
