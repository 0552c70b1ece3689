"""The README of a bundle, for someone who has never seen the tool: in comes a run, out comes text.

It depends on the run and on the release that writes it alone.
"""

from collections.abc import Sequence
from typing import Final

from scanner import __version__
from scanner.base.text import clean, plural, timestamp
from scanner.history.folder import StoredRun
from scanner.report.parts.effect import severities
from scanner.report.parts.markup import escaped

_TEXT: Final = """\
# Evidence of a compliance scan

On {as_of} the keys of {organizations} were held
against {policies}.
The result was **{result}**: {open}.

This was written by keypolicy {version}, an open-source scanner that holds the settings of API keys
against rules. No key, token or other secret is in it: records were stripped of them before they
were kept.

## What is in it

- `SHA256SUMS`: the SHA-256 of every other file here.
- `bundle.json`: which run this is the evidence of.
- `history/{folder}/`: the run, as the scan wrote it.
  - `manifest.json`: what was looked at and what came of it; the SHA-256 of each file of the run;
    and, in `previous`, the SHA-256 of the manifest of the run before.
  - `report.json.gz`: the report, every finding with the facts that it rests on.
  - `findings.parquet`: the same findings as a table.
{more}  - `policies/`: the rules, as they were then.
  - `tracked.jsonl.gz`: since when each finding is known.
- {before}

Times are in UTC. A finding that is `waived` has an approved exception; `unknown` is what could not
be seen or told, which is never counted as compliant.

## Check it without the tool

Unpack the file, and in the folder where this README lies:

    sha256sum -c SHA256SUMS

(On macOS `shasum -a 256 -c SHA256SUMS`.) Every line has to end in `OK`, and there has to be no
file that is not listed. Then the run itself: the SHA-256 of its files stand in its manifest, under
`parts`. What a `.gz` holds is shown by `gzip -dc FILE`.

The chain: `previous.digest` in the run's manifest is what this prints for the run before it:

    sha256sum history/RUN/manifest.json

If a file that ends in `.sig` came with the bundle, it is an SSH signature of it. With the public
key of the signer in a file `signers` (`NAME namespaces="keypolicy-evidence" ssh-ed25519 AAAA...`):

    ssh-keygen -Y verify -f signers -I NAME -n keypolicy-evidence -s bundle.zip.sig < bundle.zip

## Judge it anew

    pip install keypolicy=={version}
    keypolicy evidence verify bundle.zip

This checks all of the above, makes the whole run anew from the inventory and the policies in here,
and tells every difference between what it comes to and what is here. It needs no network. To hold
the same inventory against other rules:

    keypolicy history replay latest --history history --policy FILE

## What it proves, and what it does not

That report, figures and verdict follow from the inventory, the rules and the exceptions in here,
and that no run before it was changed since. Not that the inventory is what the server said then,
nor that the whole is not made up: who holds a whole history can make another one. A signature, or
the SHA-256 of the bundle in other hands since that day, tells that.
"""

_INVENTORY: Final = "  - `inventory-*.jsonl.gz`: the records that were judged, one a line.\n"
_NO_INVENTORY: Final = (
    "  - The records that were judged were not kept: the run cannot be judged anew.\n"
)
_FILES: Final = {
    "waivers": "  - `waivers.yaml`: the approved exceptions.\n",
    "baseline": "  - `baseline.jsonl`: the findings that were known and accepted for now.\n",
    "owners": "  - `owners.yaml`: who owns which keys.\n",
}


def readme(run: StoredRun, before: Sequence[StoredRun]) -> str:
    """Return the README of the bundle of a run; `before` are the runs before it."""
    manifest = run.manifest
    organizations = ", ".join(manifest.looked.organizations) or "the server"
    policies = ", ".join(f"{one.name} {one.version}" for one in manifest.policies)
    files = {
        "waivers": manifest.waivers,
        "baseline": manifest.baseline,
        "owners": manifest.owners,
    }
    is_kept = manifest.inventory is not None and all(
        (run.path / one.name).exists() for one in manifest.inventory.inputs
    )
    chain = "There is no run before it."
    if before:
        chain = (
            f"`history/...`: the manifests of {plural(len(before), 'run')} before it, back to\n"
            f"  {timestamp(before[-1].manifest.run.as_of)}, and the findings that the last of them"
            " knew."
        )
    return _TEXT.format(
        as_of=timestamp(manifest.run.as_of),
        organizations=escaped(clean(organizations)),
        policies=escaped(clean(policies)),
        result=manifest.result.value,
        open=severities(manifest.figures.open),
        version=__version__,
        folder=run.path.name,
        more=(_INVENTORY if is_kept else _NO_INVENTORY)
        + "".join(line for name, line in _FILES.items() if files[name] is not None),
        before=chain,
    )
