"""Documents by grams, most of it nothing: products with few columns, in numpy alone.

What stands in many documents is kept dense and multiplied by BLAS; the rest is summed entry by
entry, in slices that bound the memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Single = NDArray[np.float32]
Whole = NDArray[np.intp]
Row = tuple[Whole, Single]  # columns in rising order, and their values

_OFTEN = 100  # a column in more than one of so many rows is kept dense
_SLICE = 20_000  # entries summed at once


class Sparse:
    """A matrix of ``rows`` by ``width`` columns."""

    def __init__(self, rows: Sequence[Row], width: int) -> None:
        self.rows, self.width = rows, width
        lengths = np.array([len(columns) for columns, _ in rows], dtype=np.intp)
        row = np.repeat(np.arange(len(rows)), lengths)
        column = np.concatenate([columns for columns, _ in rows] or [np.zeros(0, np.intp)])
        value = np.concatenate([values for _, values in rows] or [np.zeros(0, np.float32)])
        value = value.astype(np.float32)
        times = np.bincount(column, minlength=width)
        self._often = np.flatnonzero(times * _OFTEN > len(rows))
        place = np.full(width, -1, dtype=np.intp)
        place[self._often] = np.arange(len(self._often))
        often = place[column] >= 0
        self._dense = np.zeros((len(rows), len(self._often)), dtype=np.float32)
        self._dense[row[often], place[column[often]]] = value[often]
        row, column, value = row[~often], column[~often], value[~often]
        self._by_row = _Segments(row, column, value)
        order = np.argsort(column, kind="stable")
        self._by_column = _Segments(column[order], row[order], value[order])

    def times(self, other: Single) -> Single:
        """This matrix times ``other``, of ``width`` rows."""
        found: Single = self._dense @ other[self._often]
        self._by_row.add(other, found)
        return found

    def back(self, other: Single) -> Single:
        """This matrix turned over, times ``other``, of as many rows as this has."""
        found = np.zeros((self.width, other.shape[1]), dtype=np.float32)
        found[self._often] = self._dense.T @ other
        self._by_column.add(other, found)
        return found


class _Segments:
    """Entries of what is not dense, sorted by where their sums go."""

    def __init__(self, into: Whole, out_of: Whole, value: Single) -> None:
        self._out_of, self._value = out_of, value[:, None]
        self._starts = np.flatnonzero(np.diff(into, prepend=-1)) if len(into) else into
        self._into = into[self._starts]
        self._ends = np.append(self._starts, len(into))
        self._cuts = [0]  # positions in starts, so that a slice holds whole segments
        for at in range(1, len(self._ends)):
            slice_of = self._ends[at] - self._ends[self._cuts[-1]]
            if slice_of >= _SLICE or at + 1 == len(self._ends):
                self._cuts.append(at)

    def add(self, other: Single, found: Single) -> None:
        for low, high in pairwise(self._cuts):
            first, last = self._ends[low], self._ends[high]
            part = other[self._out_of[first:last]] * self._value[first:last]
            sums = np.add.reduceat(part, self._starts[low:high] - first, axis=0)
            found[self._into[low:high]] += sums


def solve(matrix: Sparse, ridge: Single, target: Single, steps: int) -> Single:
    """``(M Mᵀ + diag(ridge))⁻¹ target`` by conjugate gradients, all columns at once. With a ridge
    of 1 and more and rows of length 1, eight steps leave errors that change no answer."""
    found = np.zeros_like(target)
    left = target.copy()
    scale = (1.0 / (1.0 + ridge))[:, None].astype(np.float32)
    near = left * scale
    way = near.copy()
    size = (left * near).sum(axis=0)
    for _ in range(steps):
        image = matrix.times(matrix.back(way)) + ridge[:, None] * way
        step = size / np.maximum((way * image).sum(axis=0), 1e-20)
        found += step * way
        left -= step * image
        near = left * scale
        after = (left * near).sum(axis=0)
        way = near + (after / np.maximum(size, 1e-20)) * way
        size = after
    return found
