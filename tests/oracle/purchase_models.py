"""Models of purchases and spend once more: customer by customer, in the forms that are in print."""

from math import exp, gamma, lgamma, log


def log_beta(a, b):
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def naive_log_likelihood(family, r, alpha, a, b, customers):
    """Of (x, t_x, T), with every Γ as it stands in the papers."""
    total = 0.0
    for x, recency, age in customers:
        rate = lgamma(r + x) - lgamma(r) + r * log(alpha)
        if family == "bg_nbd":
            stays = log_beta(a, b + x) - (r + x) * log(alpha + age)
            left = log_beta(a + 1, b + x - 1) if x else None
        else:
            stays = log_beta(a, b + x + 1) - (r + x) * log(alpha + age)
            left = log_beta(a + 1, b + x)
        ways = [stays]
        if left is not None:
            ways.append(left - (r + x) * log(alpha + recency))
        highest = max(ways)
        both = highest + log(sum(exp(way - highest) for way in ways))
        total += rate - log_beta(a, b) + both
    return total


def naive_alive(family, r, alpha, a, b, customer):
    """The part of the likelihood that is of those who stay."""
    x, _, age = customer
    stays = log_beta(a, b + x if family == "bg_nbd" else b + x + 1)
    stays += lgamma(r + x) - lgamma(r) + r * log(alpha) - (r + x) * log(alpha + age)
    whole = naive_log_likelihood(family, r, alpha, a, b, [customer])
    return exp(stays - log_beta(a, b) - whole)


def naive_expected(family, r, alpha, a, b, customer, t):
    """The form in print; overflows for many purchases."""
    x, _, age = customer
    k = x if family == "bg_nbd" else x + 1
    z = t / (alpha + age + t)
    series = naive_hyp2f1(r + x, b + k, a + b + k - 1, z)
    if_alive = (a + b + k - 1) / (a - 1)
    if_alive *= 1 - ((alpha + age) / (alpha + age + t)) ** (r + x) * series
    return if_alive * naive_alive(family, r, alpha, a, b, customer)


def naive_hyp2f1(a, b, c, z):
    total = term = 1.0
    for n in range(3000):
        term *= (a + n) * (b + n) * z / ((c + n) * (n + 1))
        total += term
    return total


def naive_spend_likelihood(p, q, v, rows):
    total = 0.0
    for x, m in rows:
        total += lgamma(p * x + q) - lgamma(p * x) - lgamma(q) + q * log(v)
        total += (p * x - 1) * log(m) + p * x * log(x) - (p * x + q) * log(x * m + v)
    return total


def naive_survival(alpha, beta, renewals):
    return (
        gamma(beta + renewals) * gamma(alpha + beta) / gamma(beta) / gamma(alpha + beta + renewals)
    )


def naive_renewal_likelihood(alpha, beta, lost, stayed):
    total = sum(n * log(naive_survival(alpha, beta, t)) for t, n in stayed.items())
    for t, n in lost.items():
        gone = naive_survival(alpha, beta, t - 1) - naive_survival(alpha, beta, t)
        total += n * log(gone)
    return total
