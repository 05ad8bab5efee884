"""Whether regions of polytopes are more monosemantic than directions and neurons.

The claim (arXiv:2211.12312): polytopes identify monosemantic regions of activation space. So
clusters of spline codes should agree with the classes better than directions (NMF, PCA) and single
neurons do, and not worse than clusters of the activations themselves; and in trained nets.

Held-out and training inputs together, the last hidden layer, adjusted mutual information with the
class (noise counts as a group of its own), which unlike purity does not grow with the number of
groups. NMF and PCA get twice as many directions as there are classes. Intervals are over nets.
Fixed beforehand: the finding shows up in a data set if the interval of (Hamming clusters - best of
NMF, PCA and neurons) is above 0 in trained nets. Two more numbers are told: clusters of codes less
those of activations, and trained less random nets.
"""

# %% Settings
import numpy as np
import torch
from common import Report, breast_cancer, digits, fitted, interval, options, save, verdict

from splinecode import lens, plots

chosen = options(__doc__)
NETS, EPOCHS, RESAMPLES = (2, 4, 0) if chosen.quick else (5, 40, 5)
HIDDEN = (128, 64, 32)
LIMIT = 300 if chosen.quick else None
DIRECTIONS = ("NMF directions", "PCA directions", "neurons")
report = Report()
report.heading("Monosemantic clusters")


# %% Groupings of nets before and after training
def groupings(load, epochs):
    """Return the comparison of each net, of a split of the data and a seed of its own."""
    found = []
    for seed in range(chosen.seed, chosen.seed + NETS):
        data = load(seed)
        net = fitted(data, HIDDEN, epochs, seed)
        x, y = torch.cat([data.test_x, data.x])[:LIMIT], torch.cat([data.test_y, data.y])[:LIMIT]
        found.append(
            lens.monosemanticity(
                net,
                x,
                y.numpy(),
                layer=f"relu{len(HIDDEN)}",
                resamples=RESAMPLES if not found else 0,
                directions=2 * data.classes,
                shuffles=20,
                seed=seed,
            )
        )
    return found


def agreement(found):
    """Return the adjusted mutual information of each grouping and net, by the grouping's name."""
    names = [grouping.name for grouping in found[0].groupings]
    return {name: np.array([each[name].agreement.ami_all for each in found]) for name in names}


# %% Both data sets
for load in (digits, breast_cancer):
    name = load(chosen.seed).name
    report.step(f"{name}: {NETS} nets before and after training")
    before, after = groupings(load, 0), groupings(load, EPOCHS)
    print(after[0])
    trained, control = agreement(after), agreement(before)
    report.step(f"{name}: adjusted mutual information with the class, interval over {NETS} nets")
    rows = [(each, interval(trained[each]), interval(control[each])) for each in trained]
    report.table(("grouping", "trained", "random"), rows)
    codes = trained["codes, Hamming"]
    best = np.max([trained[each] for each in DIRECTIONS], axis=0)
    gain = interval(codes - best)
    report.line(
        f"less clusters of activations: {interval(codes - trained['activations, Euclidean'])}"
    )
    report.line(f"less random nets: {interval(codes - control['codes, Hamming'])}")
    verdict(
        report,
        f"{name}: clusters of codes are more monosemantic than directions",
        [("Hamming clusters less the best of NMF, PCA, neurons", gain, gain.above_0)],
        quick=chosen.quick,
    )
    axes = plots.monosemanticity(after[0], title=f"{name}: one trained net")
    save(
        np.ravel(axes)[0],
        chosen.output / f"monosemantic_clusters_{name.replace(' ', '_')}.png",
        report,
    )
