"""Products of a sparse matrix and the solver, against the same done densely."""

from __future__ import annotations

import numpy as np
import pytest

from streams.core.sparse import Row, Sparse, solve


def _random(rows: int, width: int, seed: int, most: int) -> tuple[list[Row], np.ndarray]:
    """Rows of length 1 and the same matrix densely; column 0 stands in nearly every row."""
    random = np.random.default_rng(seed)
    found, dense = [], np.zeros((rows, width), dtype=np.float32)
    for n in range(rows):
        columns = np.unique(np.append(0, random.integers(0, width, random.integers(0, most))))
        values = random.random(len(columns)).astype(np.float32) + 0.1
        values /= np.sqrt((values * values).sum())
        dense[n, columns] = values
        found.append((columns, values))
    return found, dense


@pytest.mark.parametrize(("rows", "width", "most"), [(1, 3, 2), (50, 20, 8), (900, 4000, 60)])
def test_products_are_those_of_the_dense_matrix(rows: int, width: int, most: int) -> None:
    given, dense = _random(rows, width, rows, most)
    matrix = Sparse(given, width)
    random = np.random.default_rng(1)
    right = random.random((width, 3)).astype(np.float32)
    left = random.random((rows, 3)).astype(np.float32)
    assert matrix.times(right) == pytest.approx(dense @ right, abs=1e-4)
    assert matrix.back(left) == pytest.approx(dense.T @ left, abs=1e-3)


def test_rows_of_nothing() -> None:
    nothing = np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.float32)
    assert not Sparse([nothing, nothing], 5).times(np.ones((5, 2), dtype=np.float32)).any()
    assert Sparse([], 5).back(np.zeros((0, 2), dtype=np.float32)).shape == (5, 2)


def test_a_few_steps_solve_it() -> None:
    given, dense = _random(400, 900, 7, 30)
    ridge = np.full(400, 2.0, dtype=np.float32)
    ridge[::9] = 20.0
    target = np.eye(400, 3, dtype=np.float32)
    exact = np.linalg.solve(dense @ dense.T + np.diag(ridge), target)
    assert solve(Sparse(given, 900), ridge, target, 12) == pytest.approx(exact, abs=2e-3)
