"""Why two scans cannot be compared number by number: in come their points, out come sentences."""

from collections.abc import Iterator

from scanner.model.run import TrendPoint


def changes(before: TrendPoint, now: TrendPoint) -> Iterator[str]:
    """Say why the two scans cannot be compared number by number; nothing where they can."""
    yield from _policy_changes(before.policies, now.policies)
    if before.organizations is None or now.organizations is None:
        yield "the earlier report does not tell which organizations it is about"
    else:
        for slug in sorted(now.organizations - before.organizations):
            yield f"organization {slug} came in"
        for slug in sorted(before.organizations - now.organizations):
            yield f"organization {slug} was left out"
    gone, new = before.incomplete or frozenset(), now.incomplete or frozenset()
    if gone or new:
        which = "both were" if gone and new else "the earlier scan was" if gone else "this scan is"
        yield f"{which} incomplete ({', '.join(sorted(gone | new))})"


def _policy_changes(
    before: dict[str, tuple[str, str]] | None, now: dict[str, tuple[str, str]] | None
) -> Iterator[str]:
    if before is None or now is None:
        yield "the earlier report does not tell what its policies demanded"
        return
    for name in sorted(now.keys() - before.keys()):
        yield f"policy {name} came in"
    for name in sorted(before.keys() - now.keys()):
        yield f"policy {name} was left out"
    for name in sorted(now.keys() & before.keys()):
        (version, terms), (new_version, new_terms) = before[name], now[name]
        if terms != new_terms and version != new_version:
            yield f"policy {name} went from {version} to {new_version}"
        elif terms != new_terms:
            yield f"rules or parameters of policy {name} changed"
