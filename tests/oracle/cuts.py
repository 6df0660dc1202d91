"""Cut points once more, by counting positions in the sorted list."""


def naive_cuts(population):
    rows = list(population)
    if len(rows) < 15:
        return {"n": len(rows)}
    shares = [1, 2, 3, 4] if len(rows) >= 50 else [1, 2]
    parts = 5 if len(rows) >= 50 else 3
    cuts = {"n": len(rows), "constant": []}
    for index, name in enumerate("rfm"):
        values = sorted(row[index] for row in rows)
        if values[0] == values[-1]:
            cuts[name] = []
            cuts["constant"].append(name)
            continue
        cuts[name] = []
        for share in shares:
            position = (len(values) - 1) * share / parts
            below = min(int(position), len(values) - 2)
            step = values[below + 1] - values[below]
            cuts[name].append(values[below] + step * (position - below))
    return cuts
