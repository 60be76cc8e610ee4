"""The recommended detector: distance to the nearest normal of the service, and novelty beyond what is typical of it.

Both are measured in what is usual there. A service whose normal runs hold hundreds of words that no other run holds
hardly hears novelty; one that never says anything new hears a single word. "Usual" is what normal rows show when their
own run is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lo2.models.distinct import Ints, distinct_rows
from lo2.models.estimators import Detector, group_codes
from lo2.models.matrix import document_frequency
from lo2.models.products import nearest_rows
from lo2.models.threshold import Floats
from lo2.sparse import added, csr_matrix, kept_cells, row_numbers, row_sums, stacked, with_data

# Quantile of the left-out normals of a service that counts as its usual distance and novelty.
USUAL = 0.95
# The least usual distance: where all normals are alike, novelty still has a unit.
LEAST_USUAL = 0.01
# Usual distances that novelty adds each time it grows by a factor e. From 1 to 4 the rankings hardly move.
NOVELTY = 2.0
# Distinct rows of a service from which its usual values are taken; more are thinned evenly.
_MOST_LEFT_OUT = 4_000
_NO_RUN, _OTHER_RUN = -1, -2


@dataclass(frozen=True)
class Weighed:
    """Rows of one service: ``known`` words (CSR, without the novel ones), the length of the ``novel`` part of each
    row's unit vector, how many novel words it holds (``n_novel``), and in which cells (``cells``, CSR)."""

    known: Any
    novel: Floats
    n_novel: Floats
    cells: Any


class NearestUsual(Detector):
    """Cosine distance to the nearest normal of the group, plus novelty beyond the group's usual.

    ``score = distance + 2 * usual distance * log1p(max(0, novel - q) / (1 + q))``. ``novel`` is the number of distinct
    words of the row that no training row of the group holds; ``q`` and the usual distance are the 95 % quantiles of
    novelty and distance among the group's training rows, each against the rows of other runs. Weights are tf-idf within
    the group, counts logarithmic; all novel words together weigh as one word that nobody holds, and match nothing.
    Column 0 counts words that no training row of any group holds. A group that training did not see is compared with
    all rows. Training rows that repeat are kept once.

    With ``leave_own_run`` no row is compared with rows of its own run, and words that only its own run holds are novel
    to it: training rows then score as if their run had not been there.

    Examples
    --------
    >>> X = csr_matrix([[0, 1, 0], [0, 0, 3], [1, 1, 0], [0, 0, 0]], dtype=np.float32)
    >>> NearestUsual().fit(X[:2]).score_samples(X).round(2).tolist()
    [-0.0, -0.0, -0.44, -1.0]
    """

    def __init__(self, leave_own_run: bool = False) -> None:
        self.leave_own_run = leave_own_run

    def fit(self, X: Any, y: Any = None, groups: Any = None, runs: Any = None) -> Self:
        """Remember the distinct normal rows of each group; without ``runs`` every row is a run of its own."""
        X = _nearest_rows_without_zeros(self.checked(X, fitting=True))
        self.groups_, codes = group_codes(groups, X.shape[0])
        self._names, run = _nearest_run_codes(runs, X.shape[0])
        names = range(len(self.groups_))
        words = [_Words.of(X[codes == code], run[codes == code]) for code in names]
        words.append(_Words.of(X, run))
        self.df_ = csr_matrix(stacked([one.frequency for one in words]), dtype=np.float64)
        self.sizes_ = np.array([one.size for one in words], np.float64)
        self._sole_words = stacked([one.sole for one in words])
        first, kind = distinct_rows(X, codes)
        weighed = [self._weigh_rows_for_nearest(X[first[codes[first] == code]], code).known for code in names]
        order = np.argsort(codes[first], kind="stable")
        self.rows_, self.codes_ = csr_matrix(stacked(weighed), dtype=np.float64), codes[first][order]
        # In no bundle: which training row each is, and the run that alone holds it.
        self._origin, sole = first[order], _sole_run_of_nearest_rows(kind, run, first.size)[order]
        self._sole_rows = sole
        left_out = self._measure_baseline_distances(X, np.bincount(kind, minlength=first.size)[order])
        self.offset_ = -float(np.quantile(left_out, USUAL))
        if not self.leave_own_run:
            del self._sole_words, self._sole_rows, self._names
        return self

    def __getstate__(self) -> dict[str, Any]:
        """What a bundle holds: nothing that names or tells apart runs and training rows."""
        state = dict(super().__getstate__())
        return {name: value for name, value in state.items() if name not in _IN_MEMORY}

    def score_samples(self, X: Any, groups: Any = None, runs: Any = None) -> Floats:
        """Minus the score, from minus infinity to 0."""
        X, codes, run = self._nearest_query_rows(X, groups, runs)
        if run is not None:
            # Rows of runs that alone hold nothing are all alike.
            first, kind = distinct_rows(X, codes * (len(self._names) + 3) + run)
            return self._distance_and_novelty_scores(X[first], codes[first], run[first])[kind]
        return self._distance_and_novelty_scores(X, codes, run)

    def _distance_and_novelty_scores(self, X: Any, codes: Ints, run: Ints | None) -> Floats:
        scores = np.empty(X.shape[0])
        for rows, code, weighed, distance, _ in self._search_nearest_normals(X, codes, run, 1):
            scores[rows] = distance[:, 0] + self._excess_novelty(weighed.n_novel, code)
        return -scores

    def kneighbors(self, X: Any, groups: Any = None, n_neighbors: int = 1) -> tuple[Floats, Ints]:
        """Distances and places in ``rows_`` of the nearest distinct normals, nearest first, ties by place.

        Both of shape (n_rows, k), k at most the number of candidates of the smallest group asked for.
        """
        X, codes, run = self._nearest_query_rows(X, groups, None)
        found = list(self._search_nearest_normals(X, codes, run, n_neighbors))
        k = min([n_neighbors, *(distance.shape[1] for *_, distance, _ in found)])
        distances, indices = np.ones((X.shape[0], k)), np.zeros((X.shape[0], k), np.int64)
        for rows, _, _, distance, places in found:
            distances[rows], indices[rows] = distance[:, :k], places[:, :k]
        return distances, indices

    def contributions(self, X: Any, groups: Any = None) -> tuple[Any, Floats]:
        """What each column adds to the score (CSR), and what none does; rows sum to the score with it.

        The distance is half the squared difference to the nearest normal, word by word; what novel words add is shared
        by them evenly.
        """
        X, codes, run = self._nearest_query_rows(X, groups, None)
        parts, base, order = [], np.empty(X.shape[0]), []
        for rows, code, weighed, _, places in self._search_nearest_normals(X, codes, run, 1):
            normal = self.rows_[places[:, 0]]
            apart = added(weighed.known, with_data(normal, -normal.data))
            lengths = _nearest_squared_lengths(weighed.known) + _nearest_squared_lengths(normal) + weighed.novel**2
            each = weighed.novel**2 / 2 + self._excess_novelty(weighed.n_novel, code)
            each = (each / np.maximum(weighed.n_novel, 1.0))[row_numbers(weighed.cells)]
            shared = with_data(weighed.cells, each * weighed.cells.data)
            parts.append(added(with_data(apart, apart.data**2 / 2), shared))
            base[rows] = 1.0 - lengths / 2
            order.append(rows)
        back = np.argsort(np.concatenate([np.empty(0, np.int64), *order]), kind="stable")
        return stacked([csr_matrix((0, X.shape[1])), *parts])[back], base

    def _nearest_query_rows(self, X: Any, groups: Any, runs: Any) -> tuple[Any, Ints, Ints | None]:
        X = _nearest_rows_without_zeros(self.checked(X))
        _, codes = group_codes(groups, X.shape[0], known=self.groups_)
        if not self.leave_own_run:
            return X, codes, None
        matters = set(np.union1d(self._sole_rows, self._sole_words.data - 1).tolist())
        place = {name: i for i, name in enumerate(self._names) if i in matters}
        names = [""] * X.shape[0] if runs is None else [str(name) for name in runs]
        return X, codes, np.array([place.get(name, _OTHER_RUN) for name in names], np.int64)

    def _excess_novelty(self, n_novel: Floats, code: int) -> Floats:
        """What novelty beyond the group's usual adds."""
        usual = self.usual_novelty_[code]
        beyond = np.log1p(np.maximum(0.0, n_novel - usual) / (1.0 + usual))
        return np.asarray(NOVELTY * self.usual_distance_[code] * beyond)

    def _weigh_rows_for_nearest(self, X: Any, code: int, run: Ints | None = None) -> Weighed:
        """Rows as unit vectors of the group's tf-idf."""
        frequency = self.df_[code].toarray().ravel()
        row, column = row_numbers(X), X.indices
        novel = frequency[column] == 0
        if run is not None:
            # Stored by one more: 0 is no run, which sparse matrices drop.
            sole = self._sole_words[code].toarray().ravel()[column]
            novel |= (sole > 0) & (sole - 1 == run[row])
        # Column 0 stands for several words, any other for one.
        stands_for = np.where(column == 0, X.data, 1.0) * novel
        n_novel = np.bincount(row, stands_for, minlength=X.shape[0]).astype(np.float64)
        size = self.sizes_[code]
        idf = np.log((1.0 + size) / (1.0 + frequency[column])) + 1.0
        known = np.where(novel, 0.0, (1.0 + np.log(np.maximum(X.data, 1.0))) * idf)
        unheard = np.where(n_novel > 0, 1.0 + np.log(np.maximum(n_novel, 1.0)), 0.0) * (np.log(1.0 + size) + 1.0)
        length = np.sqrt(np.bincount(row, known**2, minlength=X.shape[0]) + unheard**2)
        length[length == 0] = 1.0
        vectors, cells = (kept_cells(with_data(X, data), data != 0) for data in (known / length[row], stands_for))
        return Weighed(vectors, unheard / length, n_novel, cells)

    def _search_nearest_normals(
        self, X: Any, codes: Ints, run: Ints | None, k: int
    ) -> Iterator[tuple[Ints, int, Weighed, Floats, Ints]]:
        """Per group: its rows, its code, the rows weighed, distances and places of their nearest normals."""
        for code in np.unique(codes).tolist():
            rows = np.flatnonzero(codes == code)
            own = None if run is None else run[rows]
            pool = np.arange(self.codes_.size) if code == len(self.groups_) else np.flatnonzero(self.codes_ == code)
            weighed = self._weigh_rows_for_nearest(X[rows], code, own)
            barred = None if own is None else _Barred(own, self._sole_rows[pool])
            distance, places = nearest_rows(weighed.known, self.rows_[pool], k, barred)
            yield rows, code, weighed, distance, pool[places]

    def _measure_baseline_distances(self, X: Any, multiplicity: Ints) -> Floats:
        """Quantiles of distance and novelty of training rows that are left out with their run; their scores."""
        distances, novelties = [], []
        for code in range(len(self.groups_)):
            places = np.flatnonzero(self.codes_ == code)
            places = places[:: 1 + (places.size - 1) // _MOST_LEFT_OUT]
            run = self._sole_rows[places]
            weighed = self._weigh_rows_for_nearest(X[self._origin[places]], code, run)
            pool = np.flatnonzero(self.codes_ == code)
            distance, _ = nearest_rows(weighed.known, self.rows_[pool], 1, _Barred(run, self._sole_rows[pool]))
            distances.append(np.repeat(distance[:, 0], multiplicity[places]))
            novelties.append(np.repeat(weighed.n_novel, multiplicity[places]))
        everywhere = [np.concatenate(distances)], [np.concatenate(novelties)]
        usual = [[float(np.quantile(part, USUAL)) for part in (*own, *every)] for own, every in
                 zip((distances, novelties), everywhere, strict=True)]  # fmt: skip
        self.usual_distance_ = np.maximum(usual[0], LEAST_USUAL)
        self.usual_novelty_ = np.array(usual[1])
        return np.concatenate([one + self._excess_novelty(new, code) for code, (one, new) in
                               enumerate(zip(distances, novelties, strict=True))])  # fmt: skip


_IN_MEMORY = ("_names", "_sole_words", "_sole_rows", "_origin")


@dataclass(frozen=True)
class _Words:
    """Of the rows of a group: how many there are, in how many each column occurs, and the run (plus one) that alone
    holds it, both as one sparse row."""

    size: int
    frequency: Any
    sole: Any

    @classmethod
    def of(cls, X: Any, run: Ints) -> "_Words":
        frequency = document_frequency(X)
        held = run[row_numbers(X)]
        low, high = np.full(X.shape[1], np.iinfo(np.int64).max), np.full(X.shape[1], -1, np.int64)
        np.minimum.at(low, X.indices, held)
        np.maximum.at(high, X.indices, held)
        sole = np.where((low == high) & (frequency > 0), high + 1, 0)
        return cls(X.shape[0], csr_matrix(frequency.astype(np.float64)), csr_matrix(sole))


@dataclass(frozen=True)
class _Barred:
    """Which pairs are passed over: rows of the run ``own``, and rows of the pool that this run ``alone`` holds."""

    own: Ints
    alone: Ints

    def __call__(self, at: slice) -> NDArray[np.bool_]:
        own = self.own[at, None]
        barred: NDArray[np.bool_] = (own == self.alone) & (own != _NO_RUN)
        return barred


def _nearest_rows_without_zeros(X: Any) -> Any:
    """``X`` as a CSR matrix of float64 without stored zeros."""
    rows = csr_matrix(X, dtype=np.float64, copy=True)
    rows.sum_duplicates()
    return kept_cells(rows, rows.data != 0)


def _nearest_run_codes(runs: ArrayLike | None, n_rows: int) -> tuple[list[str], Ints]:
    """Names of the runs and the number of each row's."""
    if runs is None:
        return [], np.arange(n_rows)
    names, codes = np.unique(np.asarray(runs).astype(np.str_), return_inverse=True)
    return names.tolist(), codes.astype(np.int64)


def _sole_run_of_nearest_rows(kind: Ints, run: Ints, n: int) -> Ints:
    """Of each kind of rows the run that alone holds it, or ``_NO_RUN``."""
    low, high = np.full(n, np.iinfo(np.int64).max), np.full(n, -1, np.int64)
    np.minimum.at(low, kind, run)
    np.maximum.at(high, kind, run)
    return np.where(low == high, high, _NO_RUN)


def _nearest_squared_lengths(rows: Any) -> Floats:
    return row_sums(with_data(rows, rows.data**2))
