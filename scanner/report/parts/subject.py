"""What a finding is about, in harmless words."""

from scanner.base.text import clean, paragraph
from scanner.model.finding import Finding, Resource
from scanner.model.outcome import Disposition, Outcome
from scanner.model.rule import Rule

EVERYTHING = "everything"


def heading(rule: Rule) -> str:
    """Return the rule's title on one line; its id where it has none."""
    return paragraph(rule.title) or rule.id


def place(organization: str | None, project: str | None) -> str:
    """Return where something is: `acme/web`, `acme`, or `everything`."""
    both = f"{organization}/{project}" if organization and project else organization or project
    return clean(both or "") or EVERYTHING


def name_of(resource: Resource) -> str:
    """Return what a person calls the resource: its name, else its id; a gap has neither."""
    return clean(resource.name or resource.id) if resource.id else f"unseen {resource.type}"


def told(finding: Finding) -> str:
    """Return the finding's message, marked where it is not a violation."""
    message = clean(finding.message)
    return message if finding.outcome is Outcome.FAIL else f"[{finding.outcome}] {message}"


def treated(finding: Finding) -> str:
    """Return what triage made of the finding; nothing for an open one that no waiver ever covered.

    Where it is open, the waiver that it carries has lapsed.
    """
    waiver = clean(finding.waiver or "")
    if finding.disposition is Disposition.OPEN:
        return f"waiver {waiver} has lapsed" if waiver else ""
    return f"{finding.disposition}: {waiver}" if waiver else finding.disposition


def line(finding: Finding) -> str:
    """Return a finding as a line: whose it is, what it is about, and what is wrong."""
    resource = finding.resource
    parts = [name_of(resource)]
    if resource.name and resource.id:
        parts.append(f"({clean(resource.id)})")
    if finding.owner:
        parts.append(f"[{clean(finding.owner)}]")
    if how := treated(finding):
        parts.append(f"[{how}]")
    return f"{' '.join(parts)}: {told(finding)}"


def is_web(url: str) -> bool:
    """Whether this is an address that a browser may open."""
    return url.startswith(("https://", "http://"))


def web_url(resource: Resource) -> str | None:
    """Return the address of the resource's page if it is one that a browser may open."""
    url = resource.url
    return clean(url) if url and is_web(url) else None


def shortened(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text`, with an ellipsis where it was longer."""
    return text if len(text) <= limit else text[: limit - 3] + "..."
