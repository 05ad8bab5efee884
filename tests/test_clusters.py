"""The monosemanticity comparison: each part against loops, the whole on planted clusters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splinecode import Codes, hamming_matrix, hdbscan, jaccard_similarity_matrix, pack
from splinecode.lens import monosemanticity
from splinecode.lens.clusters import activation_groups, code_clusters
from splinecode.lens.clusters.labelled import label_agreement
from splinecode.lens.clusters.method import Groups
from splinecode.lens.clusters.stability import best_jaccard

pytest.importorskip("hdbscan")
pytest.importorskip("sklearn")

N, CLUSTERS = 150, 3


def planted(seed=0, n=N, units=70):
    """Activations of three planted directions, with a little noise, and a fifth of plain noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % CLUSTERS
    centres = np.zeros((CLUSTERS, units))
    for i in range(CLUSTERS):
        centres[i, i * 20 : i * 20 + 20] = 3
    values = centres[labels] + rng.normal(0, 0.5, (n, units)) - 1
    values[: n // 5] = rng.normal(0, 2, (n // 5, units))
    labels[: n // 5] = rng.integers(0, CLUSTERS, n // 5)
    return values, labels


VALUES, LABELS = planted()
CODES = Codes.from_words(pack(VALUES), VALUES.shape[1])
QUICK = {"min_cluster_size": 10, "resamples": 3, "shuffles": 5}


@pytest.fixture(scope="module")
def found():
    return monosemanticity(
        CODES, labels=LABELS, activations=np.maximum(VALUES, 0), directions=4, **QUICK
    )


def test_planted_clusters_are_found_by_every_clustering(found):
    for name in ("codes, Hamming", "codes, Jaccard", "activations, Euclidean"):
        grouping = found[name]
        assert len(grouping.groups) == CLUSTERS
        assert grouping.agreement.purity.value > 0.95
        assert grouping.agreement.ami > 0.8
        assert grouping.agreement.ami_all < grouping.agreement.ami
        assert (grouping.stability > 0.8).all()
        assert 0.1 < grouping.noise < 0.3
    assert found["NMF directions"].agreement.purity.value > 0.8
    assert found["neurons"].noise == 0
    assert np.isnan(found["neurons"].stability).all()
    assert found.work["groupings"] == 5 * 4 + 1
    assert "groupings side by side" in str(found)


def test_fields_agree_with_each_other(found):
    for grouping in found.groupings:
        n = len(grouping.groups)
        assert grouping.labels.shape == (N,)
        assert grouping.sizes.tolist() == [(grouping.labels == i).sum() for i in range(n)]
        for parts in (grouping.persistence, grouping.stability, grouping.examples):
            assert len(parts) == n
        for i, best in enumerate(grouping.examples):
            assert len(best) == min(10, grouping.sizes[i])
            assert (grouping.labels[best] == i).all()
            assert len(set(best)) == len(best)
            members = LABELS[grouping.labels == i]
            counts = np.bincount(members, minlength=CLUSTERS)
            assert grouping.agreement.purities[i] == counts.max() / len(members)
            assert grouping.agreement.majority[i] == counts.argmax()


def test_hamming_clusters_are_hdbscan_s_and_examples_near_the_medoid(found):
    wanted = hdbscan(CODES, min_cluster_size=10)
    grouping = found["codes, Hamming"]
    assert grouping.labels.tolist() == wanted.labels.tolist()
    assert grouping.persistence.tolist() == wanted.persistence.tolist()
    for name, distances in (
        ("codes, Hamming", hamming_matrix(CODES)),
        ("codes, Jaccard", 1 - jaccard_similarity_matrix(CODES)),
    ):
        grouping = found[name]
        for i, best in enumerate(grouping.examples):
            members = np.flatnonzero(grouping.labels == i)
            totals = distances[np.ix_(members, members)].sum(axis=1)
            medoid = members[totals.argmin()]
            others = sorted((distances[medoid, m], m) for m in members if m != medoid)
            assert best.tolist() == [medoid, *(m for _, m in others)][:10]


def test_jaccard_clusters_are_the_package_s():
    import hdbscan as package

    distances = 1 - jaccard_similarity_matrix(CODES)
    wanted = package.HDBSCAN(metric="precomputed", min_cluster_size=10).fit(distances)
    method = code_clusters.JaccardClusters(CODES, 10, None)
    assert method.group(np.arange(N)).labels.tolist() == wanted.labels_.tolist()


def test_squared_medoid_of_activations(found):
    values, grouping = np.maximum(VALUES, 0), found["activations, Euclidean"]
    for i, best in enumerate(grouping.examples):
        members = np.flatnonzero(grouping.labels == i)
        apart = np.linalg.norm(values[members][:, None] - values[members], axis=2)
        medoid = members[(apart**2).sum(axis=1).argmin()]
        assert best[0] == medoid
        to_medoid = np.linalg.norm(values[best] - values[medoid], axis=1)
        assert (np.diff(to_medoid) >= 0).all()


def test_directions_take_what_adds_most():
    values = np.maximum(VALUES, 0)
    rows = np.arange(N)
    neurons = activation_groups.Neurons(values).group(rows)
    units = [int(neurons.names[label].split()[1]) for label in neurons.labels]
    assert units == values.argmax(axis=1).tolist()
    assert neurons.strength.tolist() == values.max(axis=1).tolist()

    pca = activation_groups.PcaDirections(values, 3, 0)
    groups = pca.group(rows)
    _, _, axes = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    scores = (values - values.mean(axis=0)) @ axes[:2].T
    assert np.allclose(groups.strength, np.abs(scores).max(axis=1))
    component = [int(groups.names[label].split()[1]) for label in groups.labels]
    assert component == np.abs(scores).argmax(axis=1).tolist()
    best = pca.ranked(groups, 0)
    assert best[0] == best[groups.strength[best].argmax()]

    nmf = activation_groups.NmfDirections(VALUES, 3, 0)
    groups = nmf.group(rows)
    assert (groups.strength >= 0).all()
    inside = LABELS[N // 5 :]
    assert (
        label_agreement(
            groups._replace(labels=groups.labels[N // 5 :]), inside, 2, np.random.default_rng(0)
        ).purity.value
        > 0.95
    )


def test_dead_layers_have_no_directions():
    dead = np.zeros((12, 5))
    for method in (
        activation_groups.NmfDirections(dead, 2, 0),
        activation_groups.PcaDirections(dead, 2, 0),
        activation_groups.Neurons(dead),
        activation_groups.Neurons(dead[:, :0]),
        activation_groups.NmfDirections(dead[:, :0], 2, 0),
        activation_groups.PcaDirections(dead[:, :0], 2, 0),
    ):
        groups = method.group(np.arange(12))
        assert groups.labels.tolist() == [-1] * 12
        assert groups.names == ()


labelling = st.lists(st.integers(-1, 4), min_size=1, max_size=30)


@given(labelling, st.data())
def test_stability_compares_sets_of_members(before, data):
    after = data.draw(st.lists(st.integers(-1, 4), min_size=len(before), max_size=len(before)))
    found = best_jaccard(np.array(before), np.array(after), 5)
    sets = [[{i for i, v in enumerate(row) if v == g} for g in range(5)] for row in (before, after)]
    for group, value in zip(sets[0], found, strict=True):
        if group:
            assert value == max(len(group & o) / len(group | o) for o in sets[1])
        else:
            assert np.isnan(value)


@given(labelling, st.data())
def test_agreement_with_labels_is_that_of_loops(groups, data):
    metrics = pytest.importorskip("sklearn.metrics")
    labels = data.draw(st.lists(st.sampled_from("abc"), min_size=len(groups), max_size=len(groups)))
    names, compact = np.unique([g for g in groups if g >= 0], return_inverse=True)
    numbers = np.full(len(groups), -1)
    numbers[np.array(groups) >= 0] = compact
    given_groups = Groups(numbers, tuple(map(str, names)), np.zeros(len(names)))
    found = label_agreement(given_groups, np.array(labels), 3, np.random.default_rng(0))
    inside = [i for i, g in enumerate(groups) if g >= 0]
    for g in range(len(names)):
        members = [labels[i] for i in inside if numbers[i] == g]
        assert found.purities[g] == max(map(members.count, "abc")) / len(members)
        assert found.majority[g] == max("abc", key=members.count)
    assert found.purity.inputs == len(inside)
    for value, kept in ((found.ami, inside), (found.ami_all, range(len(groups)))):
        mine = [labels[i] for i in kept]
        if len(set(mine)) < 2:
            assert np.isnan(value)
        else:
            theirs = metrics.adjusted_mutual_info_score(mine, [numbers[i] for i in kept])
            assert value == pytest.approx(theirs)


def test_a_model_gives_codes_and_activations_of_a_layer():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(70, 30), torch.nn.ReLU(), torch.nn.Linear(30, 2))
    net.eval().requires_grad_(False)
    x, y = torch.from_numpy(VALUES).float(), torch.from_numpy(LABELS)
    from splinecode import spline_codes

    wanted = monosemanticity(
        spline_codes(net, x), labels=y, activations=net[:2](x), layer="1", **QUICK
    )
    loader = [(x[:100], y[:100]), (x[100:], y[100:])]
    for other in (
        monosemanticity(net, x, y, layer="1", **QUICK),
        monosemanticity(net, loader, layer="1", **QUICK),
    ):
        assert str(other) == str(wanted)
    assert len(net[1]._forward_hooks) == 0
    with pytest.raises(ValueError, match=r"layer is None; wanted the name of a module: \['0', '1'"):
        monosemanticity(net, x, y)
    with pytest.raises(TypeError, match="activations were given beside a model"):
        monosemanticity(net, x, activations=x, layer="1")


def test_without_labels_or_activations():
    found = monosemanticity(CODES, metrics=("hamming",), **QUICK)
    assert [grouping.name for grouping in found.groupings] == ["codes, Hamming"]
    assert found.groupings[0].agreement is None
    assert "purity" not in str(found)
    with pytest.raises(KeyError, match="no grouping 'neurons'; there are"):
        found["neurons"]


@pytest.mark.parametrize("n", [1, 2, 9])
def test_few_inputs_are_noise(n):
    values, labels = VALUES[:n], np.zeros(n)
    found = monosemanticity(CODES[:n], labels=labels, activations=values, **QUICK)
    for name in ("codes, Hamming", "codes, Jaccard", "activations, Euclidean"):
        assert found[name].noise == 1
        assert found[name].groups == ()
        assert np.isnan([found[name].agreement.purity.value, *found[name].rand]).all()
    assert str(found)


def test_equal_codes_are_counted():
    codes = CODES[np.zeros(40, int)]
    found = monosemanticity(codes, labels=np.arange(40) % 2, **QUICK)
    assert found.work["inputs that share their code"] == 40
    assert found["codes, Hamming"].noise == found["codes, Jaccard"].noise == 1


def test_the_same_seed_gives_the_same():
    options = {**QUICK, "labels": LABELS, "activations": VALUES}
    first, again = (str(monosemanticity(CODES, seed=3, **options)) for _ in range(2))
    assert first == again


def test_bad_input_is_refused(monkeypatch):
    for name, value in (
        ("min_cluster_size", 1),
        ("min_samples", 0),
        ("directions", 0),
        ("top", -1),
        ("resamples", -1),
        ("shuffles", 0),
        ("share", 0),
        ("share", 1.5),
        ("metrics", "hamming"),
        ("metrics", ("cosine",)),
    ):
        with pytest.raises(ValueError, match=f"{name} is {value!r}".replace("(", r"\(")[:20]):
            monosemanticity(CODES, **{name: value})
    with pytest.raises(ValueError, match="metrics is empty and there are no activations"):
        monosemanticity(CODES, metrics=())
    with pytest.raises(ValueError, match=r"activations has shape \(3, 70\); wanted \(150, units\)"):
        monosemanticity(CODES, activations=VALUES[:3])
    with pytest.raises(ValueError, match="activations holds NaN or inf"):
        monosemanticity(CODES, activations=VALUES * np.nan)
    with pytest.raises(ValueError, match="codes has 0 codes"):
        monosemanticity(CODES[:0])
    with pytest.raises(TypeError, match="subject is a str; wanted Codes, or a torch.nn.Module"):
        monosemanticity("net", VALUES)
    monkeypatch.setattr(code_clusters, "JACCARD_LIMIT", 100)
    with pytest.raises(ValueError, match="there are 150 inputs; wanted at most 100: pass fewer"):
        monosemanticity(CODES)


def test_missing_packages_say_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(ImportError, match=r"needs sklearn: pip install 'splinecode\[lens\]'"):
        monosemanticity(CODES)
