"""Codes in the libraries that cluster and embed them: as with scipy's distances.

Graphs stand on distinct codes where a library takes sparse distances: see `HammingNeighbors.fit`.
"""

import os

import numpy as np
import pytest

from splinecode import Codes, HammingNeighbors, hdbscan, pack

sklearn = pytest.importorskip("sklearn")
distance = pytest.importorskip("scipy.spatial.distance")

# fast-hdbscan and umap compile themselves for minutes; 300 codes take them a moment without. Read
# when they are imported, which only these tests do.
os.environ.setdefault("NUMBA_DISABLE_JIT", "1")

# umap tells of its own index and of its threads; hdbscan uses a name that scikit-learn renamed.
pytestmark = [
    pytest.mark.filterwarnings("ignore:precomputed_knn.2. .knn_search_index.:UserWarning"),
    pytest.mark.filterwarnings("ignore:using precomputed metric; inverse_transform:UserWarning"),
    pytest.mark.filterwarnings("ignore:n_jobs value 1 overridden to 1:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*force_all_finite.*:FutureWarning"),
]


@pytest.fixture(scope="module")
def codes():
    """300 distinct codes of 500 bits in 5 groups, a tenth of them far from all; 40 copies."""
    rng = np.random.default_rng(0)
    centres = rng.random((5, 500)) < 0.5
    flips = rng.random((300, 500)) < np.where(np.arange(300) % 10 == 0, 0.5, 0.1)[:, None]
    distinct = Codes.from_words(pack(centres[rng.integers(5, size=300)] ^ flips), 500)
    return distinct[np.concatenate([np.arange(300), rng.integers(300, size=40)])]


@pytest.fixture(scope="module")
def index(codes):
    return HammingNeighbors(30, radius=130).fit(codes, distinct=True)


@pytest.fixture(scope="module")
def matrix(codes):
    """scipy's distances of the distinct codes, in units."""
    bits = codes.unique().codes.bits()
    return distance.squareform(np.rint(distance.pdist(bits, "hamming") * bits.shape[1]))


def partition(labels):
    """Labels renamed by first appearance; noise stays -1."""
    names = {-1: -1}
    return [names.setdefault(label, len(names)) for label in np.asarray(labels).tolist()]


def test_the_index_stands_on_distinct_codes(codes, index, matrix):
    assert index.n_samples_fit_ == 300
    assert index.counts_.sum() == len(codes) == 340
    distances, indices = index.kneighbors()
    order = np.argsort(matrix + np.diag(np.full(300, np.inf)), axis=1, kind="stable")[:, :30]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(distances, np.take_along_axis(matrix, order, axis=1))


def test_dbscan_on_the_radius_graph(codes, index, matrix):
    """With the counts as weights, labels are those of all codes, copies included."""
    cluster = pytest.importorskip("sklearn.cluster")
    graph = index.radius_neighbors_graph(mode="distance")
    settings = {"eps": index.radius, "min_samples": 8, "metric": "precomputed"}
    ours = cluster.DBSCAN(**settings).fit(graph, sample_weight=index.counts_)
    all_bits = codes.bits()
    everything = distance.squareform(np.rint(distance.pdist(all_bits, "hamming") * 500))
    theirs = cluster.DBSCAN(**settings).fit(everything)
    assert partition(ours.labels_[index.inverse_]) == partition(theirs.labels_)
    assert ours.labels_.max() == 4
    assert -1 in ours.labels_


def test_pipelines_with_a_sparse_graph(index, matrix):
    """HammingNeighbors in the place of scikit-learn's KNeighborsTransformer."""
    cluster = pytest.importorskip("sklearn.cluster")
    pipeline = pytest.importorskip("sklearn.pipeline")
    neighbors = pytest.importorskip("sklearn.neighbors")
    distinct = index._codes
    steps = HammingNeighbors(120), cluster.DBSCAN(eps=130, min_samples=5, metric="precomputed")
    ours = pipeline.make_pipeline(*steps).fit_predict(distinct)
    wanted = cluster.DBSCAN(eps=130, min_samples=5, metric="precomputed").fit_predict(matrix)
    assert partition(ours) == partition(wanted)

    transformer = neighbors.KNeighborsTransformer(n_neighbors=20, metric="precomputed")
    graph = HammingNeighbors(20).fit(distinct).transform(distinct)
    same = HammingNeighbors(20).fit_transform(distinct)
    theirs = transformer.fit_transform(matrix)
    np.testing.assert_array_equal(graph.indptr, theirs.indptr)
    np.testing.assert_array_equal(graph.data, theirs.data)  # which of equals stands last may differ
    np.testing.assert_array_equal(graph.indices, same.indices)
    np.testing.assert_array_equal(graph.data, same.data)
    new = distinct[:7]
    np.testing.assert_array_equal(
        HammingNeighbors(20).fit(distinct).transform(new).toarray(), graph.toarray()[:7]
    )
    words = pipeline.make_pipeline(*steps).fit_predict(distinct.words)
    np.testing.assert_array_equal(words, ours)


def test_pipelines_can_be_searched_over(index):
    """Parameters by name, clones and representation, as grid searches use them."""
    cluster = pytest.importorskip("sklearn.cluster")
    pipeline = pytest.importorskip("sklearn.pipeline")
    base = pytest.importorskip("sklearn.base")
    made = pipeline.make_pipeline(
        HammingNeighbors(5), cluster.DBSCAN(eps=130, metric="precomputed")
    )
    assert "n_neighbors=5" in repr(made)
    clone = base.clone(made).set_params(hammingneighbors__n_neighbors=120)
    assert clone.get_params()["hammingneighbors__n_neighbors"] == 120
    assert made.get_params()["hammingneighbors__n_neighbors"] == 5
    assert clone.fit_predict(index._codes).max() == 4


def test_hdbscan_of_scikit_learn(index, matrix):
    """On all distances; its sparse graphs need every code in one connected part."""
    cluster = pytest.importorskip("sklearn.cluster")
    settings = {"min_cluster_size": 10, "min_samples": 5, "metric": "precomputed"}
    whole = HammingNeighbors(299).fit(index._codes).kneighbors_graph(mode="distance")
    ours = cluster.HDBSCAN(**settings, copy=True).fit_predict(whole.tocsr())
    theirs = cluster.HDBSCAN(**settings, copy=True).fit_predict(matrix)
    assert partition(ours) == partition(theirs)
    # scikit-learn counts the code itself among the neighbours of a core distance.
    pytest.importorskip("hdbscan")
    labels = hdbscan(index._codes, min_cluster_size=10, min_samples=4).labels
    assert partition(labels) == partition(theirs)


def test_hdbscan_package(index, matrix):
    package = pytest.importorskip("hdbscan")
    theirs = package.HDBSCAN(metric="precomputed", min_cluster_size=10, min_samples=5).fit(matrix)
    ours = hdbscan(index._codes, min_cluster_size=10, min_samples=5)
    assert partition(ours.labels) == partition(theirs.labels_)
    np.testing.assert_array_equal(
        np.sort(theirs.single_linkage_tree_.to_numpy()[:, 2]), ours.spanning_tree.weights
    )
    assert ours.condensed_tree.to_numpy()["child_size"].sum() > 0


def test_fast_hdbscan_takes_the_graph(index, matrix):
    package = pytest.importorskip("fast_hdbscan")
    sparse = pytest.importorskip("scipy.sparse")
    settings = {"metric": "precomputed", "min_cluster_size": 10, "min_samples": 5}
    graph = index.kneighbors_graph(mode="distance")
    ours = package.HDBSCAN(**settings).fit(graph)
    nearest = np.argsort(matrix + np.diag(np.full(300, np.inf)), axis=1, kind="stable")[:, :30]
    rows = np.repeat(np.arange(300), 30)
    theirs = sparse.csr_array(
        (matrix[rows, nearest.ravel()], (rows, nearest.ravel())), shape=(300, 300)
    )
    theirs = package.HDBSCAN(**settings).fit(theirs)
    assert partition(ours.labels_) == partition(theirs.labels_)
    assert len(set(ours.labels_) - {-1}) == 5


def test_tsne_with_precomputed_neighbours(index, matrix):
    """t-SNE looks at 3 * perplexity neighbours, and no further, at scipy's distances too."""
    manifold = pytest.importorskip("sklearn.manifold")
    settings = {
        "metric": "precomputed",
        "init": "random",
        "perplexity": 8.0,
        "random_state": 0,
        "max_iter": 250,
        "n_jobs": 1,
    }
    graph = HammingNeighbors(25).fit_transform(index._codes)
    # The nearest by (distance, index): in the whole matrix, which of equals is last is open.
    ranks = matrix + 1e-7 * np.arange(300)
    np.fill_diagonal(ranks, 0)
    with pytest.importorskip("threadpoolctl").threadpool_limits(1):  # more spin on a busy machine
        ours = manifold.TSNE(**settings).fit(graph)
        theirs = manifold.TSNE(**settings).fit(ranks)
    assert ours.embedding_.shape == (300, 2)
    assert ours.kl_divergence_ == pytest.approx(theirs.kl_divergence_, rel=0.05)


def test_umap_with_precomputed_neighbours(index, matrix):
    """The graph that umap lays out is the one it makes of scipy's distances."""
    umap = pytest.importorskip("umap")
    k = 12
    indices, distances = index.to_umap(k)
    settings = {"n_neighbors": k, "random_state": 0, "n_jobs": 1, "transform_mode": "graph"}
    ours = umap.UMAP(precomputed_knn=(indices, distances), **settings).fit(np.zeros((300, 1)))
    ranks = matrix + 1e-4 * np.arange(300)  # of equals the lower index first, also in float32
    np.fill_diagonal(ranks, 0)
    theirs = umap.UMAP(metric="precomputed", **settings).fit(ranks)
    assert ours.graph_.nnz == theirs.graph_.nnz
    assert abs(ours.graph_ - theirs.graph_).max() < 0.05
