"""A naive second way to a company's score, sharing no line with the product."""


def naive_roll_up(people, method, top):
    """``people`` are pairs of a score and the keys by which two records are one person."""
    persons = []
    for place in range(len(people)):
        same, size = {place}, 0
        while len(same) != size:
            size = len(same)
            keys = {key for one in same for key in people[one][1]}
            same |= {one for one in range(len(people)) if keys & set(people[one][1])}
        persons.append(frozenset(same))
    scores = sorted(max(people[one][0] for one in person) for person in set(persons))
    best = scores[::-1][:top]
    if method == "max":
        return best[0] if best else 0
    if method == "sum":
        return min(100, sum(best))
    nobody = 1.0
    for score in best:
        nobody = nobody * (100 - score) / 100
    return 100 - 100 * nobody


def naive_people(group, rows, subject):
    """What the scores of its people say of a company, as a model's result."""
    told = [row["data"] for row in rows if row["type"] == "score" and "score" in row["data"]]
    if not told:
        return {"terms": [], "known": 0, "asked": 1 if ":account:" in subject else 0}
    people = [(one["score"], one["person"]) for one in told]
    points = naive_roll_up(people, group.get("method", "noisy_or"), group.get("top", 5))
    return {"terms": [("people", points)], "known": 1, "asked": 1}
