#!/usr/bin/python3
"""Makes scipy.json: figures of SciPy and NumPy that the tests of results/stats compare theirs with.

    apt-get install python3-scipy
    /usr/bin/python3 results/stats/golden/make-golden.py

What neither of the two has (Hodges-Lehmann, Holm, Benjamini-Hochberg) is computed here from the definition.
"""
import itertools
import json
import pathlib

import numpy as np
import scipy
from scipy import special, stats

random = np.random.default_rng(20261122)


def rounded(values, digits=4):
    return [round(float(value), digits) for value in values]


def two(n, m, shift=0.0, spread=1.0):
    return rounded(random.normal(100, 5, n)), rounded(random.normal(100 + shift, 5 * spread, m))


def tied(n, m, shift=0):
    return [int(v) for v in random.integers(0, 4, n)], [int(v) for v in random.integers(0, 4, m) + shift]


def rank_sum(x, y, axis):
    both = np.concatenate((x, y), axis=axis)
    ranks = stats.rankdata(both, axis=axis)
    return np.take(ranks, range(x.shape[axis]), axis=axis).sum(axis=axis)


def mann_whitney():
    cases = []
    for n, m, shift in [(1, 1, 0), (2, 3, 3), (3, 3, 20), (5, 5, 4), (5, 5, 50), (4, 9, -6), (8, 7, 2), (12, 20, 3),
                        (20, 20, 1), (20, 20, 4), (20, 5, 3), (25, 24, 2)]:
        a, b = two(n, m, shift)
        u, p = stats.mannwhitneyu(a, b, method="exact")
        cases.append({"a": a, "b": b, "u": u, "p": p, "method": "exact", "within": 1e-9})
    for n, m, shift in [(3, 3, 1), (5, 5, 0), (5, 5, 1), (5, 5, 2), (4, 6, 1), (7, 5, 1), (8, 8, 1)]:
        a, b = tied(n, m, shift)
        result = stats.permutation_test((a, b), rank_sum, vectorized=True, n_resamples=np.inf, alternative="two-sided")
        u = stats.mannwhitneyu(a, b).statistic
        cases.append({"a": a, "b": b, "u": u, "p": result.pvalue, "method": "exact", "within": 1e-9})
    for n, m, shift in [(80, 90, 0), (100, 70, 1)]:
        for a, b in (two(n, m, shift), tied(n, m, shift)):
            u, p = stats.mannwhitneyu(a, b, method="asymptotic")
            cases.append({"a": a, "b": b, "u": u, "p": p, "method": "normal", "within": 1e-6})
    return cases


def counts_of_u(n, m):
    """By the recursion of Mann and Whitney's paper."""
    table = {}

    def count(n, m, u):
        if u < 0 or u > n * m:
            return 0
        if n == 0 or m == 0:
            return 1 if u == 0 else 0
        key = n, m, u
        if key not in table:
            table[key] = count(n - 1, m, u - m) + count(n, m - 1, u)
        return table[key]

    return [count(n, m, u) for u in range(n * m + 1)]


def hodges_lehmann():
    cases = []
    for n, m, shift in [(1, 1, 1), (2, 2, 1), (3, 3, 1), (5, 5, 4), (6, 9, -3), (10, 10, 2), (20, 20, 1), (15, 20, 0)]:
        for confidence in (0.9, 0.95, 0.99):
            a, b = two(n, m, shift)
            differences = np.sort(np.subtract.outer(np.array(b), np.array(a)).ravel())
            cumulated = np.cumsum(np.array(counts_of_u(n, m), dtype=object)) / special.comb(n + m, n, exact=True)
            tail = (1 - confidence) / 2
            outside = max((u + 1 for u, p in enumerate(cumulated) if p <= tail), default=0)
            covers = 1 - 2 * float(cumulated[max(0, outside - 1)])
            inside = max(0, outside - 1)
            cases.append({"a": a, "b": b, "asked": confidence, "estimate": float(np.median(differences)),
                          "low": differences[inside], "high": differences[n * m - 1 - inside],
                          "confidence": max(0.0, covers)})
    return cases


def median_interval():
    cases = []
    for n in (7, 8, 12, 20, 41, 100):
        for confidence in (0.9, 0.95, 0.99):
            values = rounded(random.lognormal(3, 0.4, n))
            tail = (1 - confidence) / 2
            outside = int(stats.binom.ppf(tail, n, 0.5))  # the least k with P(X <= k) >= tail
            if stats.binom.cdf(outside, n, 0.5) <= tail:
                outside += 1
            ordered = sorted(values)
            inside = max(0, outside - 1)
            cases.append({"values": values, "asked": confidence, "estimate": float(np.median(values)),
                          "low": ordered[inside], "high": ordered[n - 1 - inside],
                          "confidence": float(1 - 2 * stats.binom.cdf(max(0, outside - 1), n, 0.5))})
    return cases


def adjusted():
    cases = []
    for n in (1, 2, 5, 12):
        ps = rounded(random.beta(0.4, 2, n), 6)
        order = np.argsort(ps, kind="stable")
        holm, bh = [0.0] * n, [0.0] * n
        for i, index in enumerate(order):
            holm[index] = min(1.0, max((n - j) * ps[order[j]] for j in range(i + 1)))
            bh[index] = min(1.0, min(n / (j + 1) * ps[order[j]] for j in range(i, n)))
        cases.append({"ps": ps, "holm": holm, "bh": bh})
    return cases


def noise_floor():
    cases = []
    for n in (4, 5, 17, 30):
        deltas = rounded(random.normal(0, 0.01, n), 6)
        lower, upper = np.percentile(np.abs(deltas), [25, 75])
        cases.append({"deltas": deltas, "floor": upper + 3 * (upper - lower)})
    return cases


def functions():
    z = [-6, -1.5, 0, 0.3, 1, 2, 3.4, 3.6, 5, 8, 20, 37]
    t = [(0.1, 1), (1, 2), (2.5, 3), (4, 8), (10, 8), (0.7, 48), (30, 5), (3, 1000)]
    x = [0.01, 0.5, 1, 1.5, 2.5, 7, 12, 30.5, 500]
    beta = [(0.1, 0.5, 0.5), (0.5, 4, 0.5), (0.9, 24, 0.5), (0.2, 3, 7), (0.99, 2, 30), (0.001, 10, 0.5)]
    p = [1e-9, 0.001, 0.025, 0.2, 0.5, 0.9]
    return {
        "normalTail": [[v, float(stats.norm.sf(v))] for v in z],
        "normalQuantile": [[v, float(stats.norm.isf(v))] for v in p],
        "studentTwoSided": [[v, d, float(2 * stats.t.sf(v, d))] for v, d in t],
        "logGamma": [[v, float(special.gammaln(v))] for v in x],
        "incompleteBeta": [[v, a, b, float(special.betainc(a, b, v))] for v, a, b in beta],
    }


def joint_permutation():
    """Westfall and Young's step-down minP, over all ways to part the runs; the p values are SciPy's."""
    cases = []
    for n, m, shifts in [(3, 3, (0, 30)), (4, 4, (0, 0, 12)), (3, 5, (20, 20, 20, 0))]:
        rows = [a + b for a, b in (two(n, m, shift) for shift in shifts)]
        rows.append([1] * (n + m - 1) + [2])

        def ps_of(side):
            rest = [i for i in range(n + m) if i not in side]
            ps = []
            for row in rows:
                x, y = np.array([row[i] for i in side]), np.array([row[i] for i in rest])
                test = stats.permutation_test((x, y), rank_sum, vectorized=True, n_resamples=np.inf)
                ps.append(test.pvalue)
            return ps

        seen = ps_of(range(n))
        everything = [ps_of(side) for side in itertools.combinations(range(n + m), n)]
        order = np.argsort(seen, kind="stable")
        adjusted_ps, last = [0.0] * len(rows), 0.0
        for place, row in enumerate(order):
            rest = order[place:]
            share = np.mean([min(ps[r] for r in rest) <= seen[row] * (1 + 1e-9) for ps in everything])
            last = max(last, seen[row], float(share))
            adjusted_ps[row] = last
        cases.append({"rows": rows, "n": n, "ps": seen, "adjusted": adjusted_ps})
    return cases


golden = {
    "versions": {"scipy": scipy.__version__, "numpy": np.__version__},
    "functions": functions(),
    "mannWhitney": mann_whitney(),
    "hodgesLehmann": hodges_lehmann(),
    "medianInterval": median_interval(),
    "adjusted": adjusted(),
    "noiseFloor": noise_floor(),
    "jointPermutation": joint_permutation(),
}
place = pathlib.Path(__file__).with_name("scipy.json")
place.write_text(json.dumps(golden, default=float) + "\n")
print(f"{place}: {place.stat().st_size} bytes")
