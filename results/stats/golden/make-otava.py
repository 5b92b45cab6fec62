#!/usr/bin/python3
"""Makes otava.json: the change points that Apache Otava finds in made-up series.

    apt-get install python3-scipy
    git clone https://github.com/apache/otava
    PYTHONPATH=otava /usr/bin/python3 results/stats/golden/make-otava.py
"""
import json
import pathlib

import numpy as np
from otava.analysis import compute_change_points

random = np.random.default_rng(20261122)


def noisy(*parts):
    return [round(float(v), 3) for level, spread, n in parts for v in random.normal(level, spread, n)]


series = {
    "nothing": noisy((100, 2, 120)),
    "one step": noisy((100, 2, 40), (104, 2, 40)),
    "one step, late": noisy((100, 2, 95), (110, 2, 5)),
    "up and down": noisy((100, 1, 60), (103, 1, 12), (100, 1, 80)),
    "stairs": noisy((100, 1, 30), (101, 1, 30), (102, 1, 30), (106, 2, 30), (90, 2, 30)),
    "many": noisy(*((100 + 3 * (i % 3), 1.5, 20 + 7 * i) for i in range(9))),
    "outlier": noisy((100, 1, 50)) + [150.0] + noisy((100, 1, 50)),
    "drift": [round(100 + 0.05 * i + float(random.normal(0, 1)), 3) for i in range(150)],
    "whole numbers": [int(v) for v in noisy((40163, 120, 30), (40600, 120, 30))],
    "few": [10, 10.5, 10.2, 20, 20.3, 20.1],
    "rare jitter": [40163 + 26 * int(v) for v in random.integers(0, 8, 60) == 0] + [40189 + 26 * int(v) for v in random.integers(0, 8, 60) == 0],
}
cases = []
for name, values in series.items():
    for window, p, magnitude in ((50, 0.001, 0.0), (30, 0.01, 0.0), (50, 0.001, 0.025)):
        points, _ = compute_change_points(values, window_len=window, max_pvalue=p, min_magnitude=magnitude)
        cases.append({
            "name": name, "series": values, "window": window, "maxP": p, "leastChange": magnitude,
            "points": [{"index": c.index, "before": c.stats.mean_1, "after": c.stats.mean_2, "p": c.stats.pvalue} for c in points],
        })
place = pathlib.Path(__file__).with_name("otava.json")
place.write_text(json.dumps(cases, default=float) + "\n")
print(f"{place}: {place.stat().st_size} bytes, {[len(c['points']) for c in cases]} points")
