"""Whether groups come back when some of the inputs are left out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .method import Groups, Ints, Method, Values, optional


class Stability(NamedTuple):
    """How well groups came back on subsamples.

    jaccard : float64 (groups,)
        Mean over subsamples of the Jaccard similarity to the most similar new group (Hennig's
        cluster-wise stability); NaN where no subsample has a member.
    rand : float64 (subsamples,)
        Adjusted Rand index of old and new groups, noise being a group too; NaN without groups.
    """

    jaccard: Values
    rand: Values


def resampled(method: Method, groups: Groups, subsamples: list[Ints]) -> Stability:
    """Group every subsample anew and compare; without subsamples all is NaN or empty."""
    adjusted_rand = optional("sklearn.metrics").adjusted_rand_score
    number = len(groups.names)
    similar = np.full((len(subsamples), number), np.nan)
    rand = np.empty(len(subsamples))
    for i, rows in enumerate(subsamples):
        before, after = groups.labels[rows], method.group(rows).labels
        similar[i] = best_jaccard(before, after, number)
        rand[i] = adjusted_rand(before, after) if number else np.nan
    there = ~np.isnan(similar)
    sums, times = np.where(there, similar, 0).sum(axis=0), there.sum(axis=0)
    jaccard = np.full(number, np.nan)
    np.divide(sums, times, out=jaccard, where=times > 0)
    return Stability(jaccard, rand)


def best_jaccard(before: Ints, after: Ints, number: int) -> Values:
    """Return each of `number` groups' similarity to the most similar group after; NaN if empty.

    The sets of members are compared, by shared members over members of either.
    """
    others = int(after.max(initial=-1)) + 1
    both = (before >= 0) & (after >= 0)
    shared = np.zeros((number, others), np.int64)
    np.add.at(shared, (before[both], after[both]), 1)
    sizes = np.bincount(before[before >= 0], minlength=number)
    other_sizes = np.bincount(after[after >= 0], minlength=others)
    similar = shared / np.maximum(sizes[:, None] + other_sizes - shared, 1)
    return np.where(sizes > 0, similar.max(axis=1, initial=0), np.nan)
