"""Whether the residual stream of a transformer has stable regions with sharp borders.

The claims (arXiv:2409.17113): between the residual activations of two prompts, after the first
layer, the output of a trained language model stays put, then changes within a short stretch; a
random model does not do so; borders sharpen during training; and the regions are much larger than
polytopes.

A small transformer learns a language of a few dozen words. Pairs of prompts differ in their last
word, a noun that asks for other verbs; slerp (with interpolated norm) between the two activations
of that token. Intervals are over nets. Fixed beforehand: stable regions show up if trained nets
have larger plateaus and sharper borders (the largest output change per unit length over its mean)
than the same nets before training, the 95 % intervals of both differences above 0; they are larger
than polytopes if the interval of units that flip on a plateau is above 1.
"""

# %% Settings
import numpy as np
import torch
from common import Report, interval, options, save, verdict
from tiny_language import FromResidual, Transformer, prompts, trained

from splinecode import lens, plots
from splinecode.lens import curves

chosen = options(__doc__)
NETS, PAIRS, POINTS = (2, 6, 20) if chosen.quick else (4, 100, 51)
STEPS = (0, 60) if chosen.quick else (0, 50, 100, 200, 500, 1000)
BLOCKS = 1  # the residual stream after so many
report = Report()
report.heading("Stable regions of the residual stream")


# %% Paths between the activations of two prompts
def paths(model: Transformer, seed: int) -> torch.Tensor:
    """Return residual streams along paths, (pairs, points, tokens, width): the last token moves."""
    a, b = (model.residual(words, BLOCKS) for words in prompts(PAIRS, seed))
    points = a[:, None].repeat(1, POINTS, 1, 1)
    points[:, :, -1] = curves.slerp_norm(a[:, -1], b[:, -1], POINTS)
    return points


def plateaus(model: Transformer, seed: int, *, jacobian: str = "none") -> lens.Plateaus:
    """Follow the output along the paths of a net."""
    with torch.no_grad():
        points = paths(model, seed)
    rest = FromResidual(model, BLOCKS).eval()
    return lens.plateaus(rest, points, jacobian=jacobian, probes=16, seed=seed)


def sharpness(found: lens.Plateaus) -> float:
    """Return the largest output change per unit length over the mean of its path: mean of paths."""
    return float((found.sensitivity.max(axis=1) / found.sensitivity.mean(axis=1)).mean())


def flips(found: lens.Plateaus) -> float:
    """Return how many units flip on a path's plateau: mean of paths."""
    return float((found.transitions.sum(axis=2) * found.on_plateau()).sum(axis=1).mean())


# %% Nets through training
measured = {step: [] for step in STEPS}
for seed in range(chosen.seed, chosen.seed + NETS):
    report.step(f"net {seed}: training for {STEPS[-1]} steps")
    for step, model, loss in trained(STEPS, seed):
        found = plateaus(model, seed)
        measured[step].append(
            (loss, float(found.plateau_share.mean()), sharpness(found), flips(found))
        )
found = plateaus(model, seed, jacobian="estimate")  # of the last net, with its Jacobian norms
print(found)

# %% What became of them
report.step(f"intervals over {NETS} nets, {PAIRS} paths each")
rows = [
    (step, *(interval([net[i] for net in nets]) for i in range(4)))
    for step, nets in measured.items()
]
report.table(("step", "loss", "plateau", "sharpness", "units flipped on it"), rows)
first, last = (np.array(measured[step]) for step in (STEPS[0], STEPS[-1]))
larger, sharper = (interval(last[:, i] - first[:, i]) for i in (1, 2))
verdict(
    report,
    "training makes stable regions",
    [
        ("plateau, share of the path: trained less random", larger, larger.above_0),
        ("sharpness: trained less random", sharper, sharper.above_0),
    ],
    quick=chosen.quick,
)
flipped = interval(last[:, 3])
verdict(
    report,
    "stable regions are larger than polytopes",
    [("units that flip on a plateau", flipped, flipped.low > 1)],
    quick=chosen.quick,
)
axes = plots.plateaus(found, title="one trained net")
save(np.ravel(axes)[0], chosen.output / "plateaus.png", report)
