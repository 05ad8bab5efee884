"""Whether local complexity falls, rises and falls again in training, and robustness comes late.

The claims (arXiv:2402.15555): the density of boundaries around training inputs descends, ascends
and, long after the training data are fitted, descends again, as boundaries migrate away from them;
and accuracy on adversarial inputs rises long after that on training inputs (delayed robustness).

An MLP with its initial weights enlarged, AdamW, on 1,000 digits, checkpoints evenly spaced in the
logarithm of the step. Settings come from trials on another split (seed 100). Adversarial inputs:
ten steps of projected gradient ascent in an L-infinity ball. Intervals are over nets. Fixed
beforehand, with "fitted" the first checkpoint that gets 99.9 % of the training inputs right, the
peak the largest local complexity of training inputs from there on, the dip the least before it:
local complexity takes the claimed course if dip / start and end / peak are below 1 / 1.05 and
peak / dip is above 1.05, intervals included; robustness is delayed if adversarial accuracy at the
end less that when fitted is above 0.05, interval included.
"""

# %% Settings
import numpy as np
import torch
from common import Data, Report, digits, interval, mlp, options, ratio_interval, save, verdict
from matplotlib import rc_context
from torch.nn import functional

from splinecode import lens, plots
from splinecode.plots import style

chosen = options(__doc__)
NETS, STEPS, CHECKPOINTS, INPUTS = (2, 300, 12, 40) if chosen.quick else (4, 30_000, 50, 200)
HIDDEN, ENLARGED, DECAY, BATCH = (128,) * 3, 4.0, 0.03, 128
EPSILON = 0.1  # of pixels from 0 to 1
RADIUS, DIRECTIONS = 0.25, 20
SAVED = np.unique(np.geomspace(1, STEPS, CHECKPOINTS).round().astype(int)).tolist()
report = Report()
report.heading("Local complexity through training")


# %% Training
def train(data: Data, seed: int):
    """Return a net and its states at the steps of SAVED."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = mlp((64, *HIDDEN, 10))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(ENLARGED)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=DECAY, fused=True)
    draws = torch.Generator().manual_seed(seed)
    states = {}
    for step in range(STEPS + 1):
        if step in SAVED:
            states[str(step)] = {name: value.clone() for name, value in net.state_dict().items()}
        batch = torch.randint(len(data.x), (BATCH,), generator=draws)
        optimizer.zero_grad()
        functional.cross_entropy(net(data.x[batch]), data.y[batch]).backward()
        optimizer.step()
    return net.eval(), states


def accuracy(net, x, y):
    """Return the share of inputs that get their label."""
    return float((net(x).argmax(dim=1) == y).double().mean())


def attacked(net, x, y, steps=10):
    """Return inputs within EPSILON of x, by gradient ascent on the loss."""
    moved = x.clone()
    for _ in range(steps):
        moved.requires_grad_()
        (slope,) = torch.autograd.grad(functional.cross_entropy(net(moved), y), moved)
        moved = x + (moved.detach() + EPSILON / 4 * slope.sign() - x).clamp(-EPSILON, EPSILON)
    return moved.detach()


def accuracies(net, data, states):
    """Return accuracy on training, test and attacked test inputs, (checkpoints, 3)."""
    found = []
    for state in states.values():
        net.load_state_dict(state)
        moved = attacked(net, data.test_x, data.test_y)
        pairs = ((data.x, data.y), (data.test_x, data.test_y), (moved, data.test_y))
        found.append([accuracy(net, x, y) for x, y in pairs])
    return np.array(found)


def complexity(net, inputs, states):
    """Return the local complexity at every checkpoint."""
    return lens.local_complexity(
        net,
        inputs[:INPUTS],
        checkpoints=states,
        radius=RADIUS,
        directions=DIRECTIONS,
        batch_size=4096,
    )


# %% Nets
courses, late = [], []
for seed in range(chosen.seed, chosen.seed + NETS):
    report.step(f"net {seed}: {STEPS} steps, {len(SAVED)} checkpoints")
    data = digits(seed)
    data = Data(data.name, data.x[:1000], data.y[:1000], data.test_x, data.test_y)
    net, states = train(data, seed)
    shares = accuracies(net, data, states)
    noise = torch.rand(INPUTS, 64, generator=torch.Generator().manual_seed(seed))
    near = {
        "training": complexity(net, data.x, states),
        "test": complexity(net, data.test_x, states),
        "random": complexity(net, noise, states),
    }
    means = {name: found.total.mean(axis=1) for name, found in near.items()}
    report.table(
        ("step", "training", "test", "attacked", *(f"complexity, {name}" for name in means)),
        [
            (
                step,
                *(f"{100 * share:.1f} %" for share in shares[i]),
                *(f"{each[i]:.2f}" for each in means.values()),
            )
            for i, step in enumerate(SAVED)
            if i % 4 == 0 or i == len(SAVED) - 1
        ],
    )
    fits = np.flatnonzero(shares[:, 0] >= 0.999)
    if len(fits) == 0:
        report.line("the training inputs were never fitted: this net cannot show the finding")
        courses.append((1.0, 1.0, 1.0))
        late.append(0.0)
        continue
    course = means["training"]
    peak = fits[0] + course[fits[0] :].argmax()
    dip = course[: peak + 1].min()
    courses.append((dip / course[0], course[peak] / dip, course[-1] / course[peak]))
    late.append(shares[-1, 2] - shares[fits[0], 2])
    report.line(f"fitted at step {SAVED[fits[0]]}, peak at step {SAVED[peak]}")

# %% What became of them
down, up, again = (ratio_interval([course[i] for course in courses]) for i in range(3))
verdict(
    report,
    "local complexity falls, rises, and falls again after the data are fitted",
    [
        ("dip / start", down, down.high < 1 / 1.05),
        ("peak / dip", up, up.low > 1.05),
        ("end / peak", again, again.high < 1 / 1.05),
    ],
    quick=chosen.quick,
)
gain = interval(late)
verdict(
    report,
    "robustness is delayed",
    [("adversarial accuracy, end less fitted", gain, gain.low > 0.05)],
    quick=chosen.quick,
)

# %% One net
with rc_context(style.STYLE):
    left, right = style.panels_of(2, 11, 4.4, "One net through training")
    plots.local_complexity(near["training"], steps=SAVED, ax=left)
    for name, colour, values in zip(
        ("training", "test", "attacked"), style.CYCLE, shares.T, strict=False
    ):
        right.plot(SAVED, 100 * values, color=colour, label=name)
    right.set(xscale="log", xlabel="training step", ylabel="accuracy (%)", ylim=(0, 102))
    style.legend_above(right, 3)
save(left, chosen.output / "grokking.png", report)
