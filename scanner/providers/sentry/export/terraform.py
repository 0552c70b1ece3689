"""Terraform: states of keys go in, resources `sentry_key` with import blocks come out.

The resource is that of the provider jianyuan/sentry (docs/resources/key.md, since 0.14.5; checks of
its arguments in internal/provider/resource_client_key.go). An import block names a key as
organization/project/id, and needs Terraform 1.5.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from scanner.providers.sentry.export.limit import cannot_limit, is_usual, limit_note, rate_limit
from scanner.remediate.document import KeyTarget, State
from scanner.remediate.export import ExportedFile, Exporter
from scanner.remediate.export.parts import called, comment, hcl, identifiers, missing, ordered

_HEAD: Final = """\
# Client keys as resources of the Terraform provider jianyuan/sentry (0.14.5 or later), each with
# the import block that takes the existing key over (Terraform 1.5 or later). Once all are imported,
# the import blocks may go. Written by `keypolicy fix export --terraform`; there is no secret in it.
#
# The provider changes names, rate limits and three options of the loader. It cannot disable a key,
# and what it does not send the server may reset: see docs/remediation.md of keypolicy.
"""
_OPTIONS: Final = {
    "hasPerformance": "performance_monitoring_enabled",
    "hasReplay": "session_replay_enabled",
    "hasDebug": "debug_enabled",
}


def terraform(
    keys: Iterable[tuple[KeyTarget, State]], gone: Iterable[KeyTarget] = ()
) -> ExportedFile:
    """Return the configuration for these keys, laid out as `terraform fmt` does."""
    del gone  # what is imported by its id is taken for no other
    found = ordered(keys)
    blocks, left = [_HEAD], []
    for (target, state), name in zip(found, identifiers([one for one, _ in found]), strict=True):
        reason = missing(target, state) or _no_import(target)
        if reason:
            left.append(f"{called(target)} is left out: {reason}.")
            blocks.append(comment("#", left[-1]) + "\n")
        else:
            blocks.append("\n".join([comment("#", called(target)), *_key(target, state, name), ""]))
    return ExportedFile("\n".join(blocks), tuple(left))


def cannot(before: State, after: State) -> list[str]:
    """Return the fields that the provider cannot set."""
    known = before.get("dynamicSdkLoaderOptions") or {}
    found = cannot_limit(before, after)
    for field in sorted(after.keys() - {"name", "rateLimit"}):
        value = after[field]
        if field == "dynamicSdkLoaderOptions" and value:
            others = [one for one in sorted(value) if value[one] != known.get(one)]
            found += [one for one in others if one not in _OPTIONS]
            if not all(isinstance(value.get(one), bool) for one in _OPTIONS):
                found.append(f"one of {', '.join(_OPTIONS)} alone")
        elif field != "browserSdkVersion" and not is_usual(before, field, value):
            found.append(field)
    return found


EXPORT: Final = Exporter("the provider", terraform, cannot)


def _no_import(target: KeyTarget) -> str | None:
    parts = (target.organization, target.project, target.id)
    return "a `/` in a slug or an id would import another key" if "/" in "".join(parts) else None


def _key(target: KeyTarget, state: State, name: str) -> Iterator[str]:
    """Give the lines of a key's blocks: one that is to be made has nothing to import."""
    if target.id:
        yield "import {"
        yield f"  to = sentry_key.{name}"
        yield f"  id = {hcl(f'{target.organization}/{target.project}/{target.id}')}"
        yield "}"
        yield ""
    yield f'resource "sentry_key" "{name}" {{'
    yield from (f"  {comment('#', note)}" for note in _notes(state))
    yield f"  organization = {hcl(target.organization)}"
    yield f"  project      = {hcl(target.project)}"
    yield f"  name         = {hcl(state['name'])}"
    if limit := rate_limit(state):
        yield ""
        # The provider wants both or none.
        yield f"  rate_limit_window = {limit[0]}"
        yield f"  rate_limit_count  = {limit[1]}"
    if loader := _loader(state):
        yield ""
        width = max(map(len, loader))
        yield "  javascript_loader_script = {"
        yield from (f"    {one:<{width}} = {value}" for one, value in loader.items())
        yield "  }"
    yield "}"


def _loader(state: State) -> dict[str, str]:
    """Return the members of javascript_loader_script; the provider wants all options or none."""
    found = {}
    version = state.get("browserSdkVersion")
    if isinstance(version, str) and version:
        found["browser_sdk_version"] = hcl(version)
    options = state.get("dynamicSdkLoaderOptions") or {}
    if all(isinstance(options.get(field), bool) for field in _OPTIONS):
        for field, attribute in _OPTIONS.items():
            found[attribute] = "true" if options[field] else "false"
    return found


def _notes(state: State) -> Iterator[str]:
    """Give what the resource does not show of the key."""
    if unicodedata.normalize("NFC", state["name"]) != state["name"]:
        yield "Terraform composes accents (NFC), so that it will change this name."
    if state.get("isActive") is False:
        yield "It is inactive, which the provider can only read (is_active)."
    if note := limit_note(state):
        yield note
    if not state.get("browserSdkVersion"):
        yield "browser_sdk_version is left out: the source did not tell it."
    options = state.get("dynamicSdkLoaderOptions") or {}
    if not all(isinstance(options.get(field), bool) for field in _OPTIONS):
        yield "The loader's options are left out: the source did not tell all three."
    others = [one for one in sorted(set(options) - set(_OPTIONS)) if options[one]]
    if others:
        yield f"The provider does not know {', '.join(others)}, on for this key."
