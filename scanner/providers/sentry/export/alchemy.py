"""Alchemy: states of keys go in, TypeScript that adopts them as resources ClientKey comes out.

The properties are those of ClientKeyProps in Alchemy's `alchemy/src/sentry/client-key.ts`. It finds
a key to adopt by its name in the project, so that names which stand there twice are left out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from scanner.providers.sentry.export.limit import cannot_limit, is_usual, limit_note, rate_limit
from scanner.remediate.document import KeyTarget, State
from scanner.remediate.export import ExportedFile, Exporter
from scanner.remediate.export.parts import called, comment, identifiers, missing, ordered, script
from scanner.remediate.keys import kept_name

USE_CASES: Final = ("user", "profiling", "escalating_issues", "tempest", "demo")
"""What ClientKeyProps allows as useCase."""

_HEAD: Final = """\
// Client keys as resources ClientKey of Alchemy; each adopts the existing key of its name.
// Written by `keypolicy fix export --alchemy`; there is no secret in it.
//
// ClientKey sets name, rate limit and use case alone. It adopts where the server refuses to make a
// second key of a name; Sentry itself may make one: see docs/remediation.md of keypolicy.
import { ClientKey } from "alchemy/sentry";
"""


def alchemy(
    keys: Iterable[tuple[KeyTarget, State]], gone: Iterable[KeyTarget] = ()
) -> ExportedFile:
    """Return the module for these keys."""
    found = ordered(keys)
    places = Counter(_place(one) for one in gone)
    for target, state in found:
        # A key has its old name until it gets the new one; of either it is to be the only one.
        places.update({_place(target), _place(target, state.get("name"))})
    blocks, left = [_HEAD], []
    for (target, state), name in zip(found, identifiers([one for one, _ in found]), strict=True):
        reason = missing(target, state)
        place = _place(target, state.get("name"))
        if not reason and target.id and place != _place(target):
            reason = f"it is to be called {state['name']}, and Alchemy would make another key of it"
        if not reason and places[place] > 1:
            reason = "its project has another key of this name, and Alchemy would adopt either"
        if reason:
            left.append(f"{called(target)} is left out: {reason}.")
            blocks.append(comment("//", left[-1]) + "\n")
        else:
            lines = [comment("//", called(target)), *_key(target, state, name), ""]
            blocks.append("\n".join(lines))
    return ExportedFile("\n".join(blocks), tuple(left))


def cannot(before: State, after: State) -> list[str]:
    """Return the fields that ClientKey cannot set; a key that is renamed is left out whole."""
    found = cannot_limit(before, after)
    for field in sorted(after.keys() - {"name", "rateLimit"}):
        value = after[field]
        known = field == "useCase" and value in USE_CASES
        if not known and not is_usual(before, field, value):
            found.append(field)
    return found


EXPORT: Final = Exporter("ClientKey", alchemy, cannot)


def _place(target: KeyTarget, name: str | None = None) -> tuple[str, str, str]:
    """Return where a key is, and what it is called: by that alone Alchemy knows it."""
    name = target.name if name is None else name
    return target.organization, target.project, kept_name(name or "")


def _key(target: KeyTarget, state: State, name: str) -> Iterator[str]:
    """Give the lines of a key's resource."""
    yield f'export const {name} = await ClientKey("{name}", {{'
    yield from (f"  {comment('//', note)}" for note in _notes(state))
    yield f"  organization: {script(target.organization)},"
    yield f"  project: {script(target.project)},"
    yield f"  name: {script(state['name'])},"
    if limit := rate_limit(state):
        yield f"  rateLimit: {{ window: {limit[0]}, count: {limit[1]} }},"
    if state.get("useCase") in USE_CASES:
        yield f"  useCase: {script(state['useCase'])},"
    yield "  adopt: true,"
    yield "});"


def _notes(state: State) -> Iterator[str]:
    """Give what the resource does not show of the key."""
    if state.get("isActive") is False:
        yield "It is inactive, which ClientKey can only read (isActive)."
    if note := limit_note(state):
        yield note
    use_case = state.get("useCase")
    if use_case is None:
        yield "useCase is left out: the source did not tell it."
    elif use_case not in USE_CASES:
        yield f"useCase is left out: ClientKey does not know {use_case}."
