"""The frameworks whose requirements are known here, so that mistyped ones are noticed.

Only identifiers are here. Frameworks of an organization's own are welcome and not looked into.
"""

import re
from typing import Final

from scanner.base.hints import closest


def _table(text: str) -> dict[str, int]:
    """Read groups with the number of their highest control."""
    pairs = (pair.split(":") for pair in text.split())
    return {group: int(most) for group, most in pairs}


# Base controls of NIST SP 800-53 release 5.1.1, by family.
_NIST: Final = _table(
    "AC:25 AT:6 AU:16 CA:9 CM:14 CP:13 IA:13 IR:10 MA:7 MP:8 PE:23 PL:11 PM:32 PS:9 PT:8 RA:10"
    " SA:23 SC:51 SI:23 SR:12"
)
# Annex A of ISO/IEC 27001:2022, by clause.
_ISO: Final = {5: 37, 6: 8, 7: 14, 8: 34}
# Safeguards of CIS Controls 8, by control.
_CIS: Final = (5, 7, 14, 12, 6, 8, 7, 12, 7, 7, 5, 8, 11, 9, 7, 14, 9, 5)
# Criteria of the AICPA's trust services criteria, by series.
_SOC2: Final = _table(
    "CC1:5 CC2:3 CC3:4 CC4:2 CC5:3 CC6:8 CC7:5 CC8:1 CC9:2 A1:3 C1:2 PI1:5 P1:1 P2:1 P3:2 P4:3"
    " P5:2 P6:7 P7:1 P8:1"
)
# Sections of PCI DSS 4.0.1, by requirement.
_PCI: Final = _table("1:5 2:3 3:7 4:2 5:4 6:5 7:3 8:6 9:5 10:7 11:6 12:10")
# Sections of OWASP ASVS 5.0, by chapter.
_ASVS: Final = _table("1:5 2:4 3:7 4:4 5:4 6:8 7:6 8:4 9:2 10:7 11:7 12:3 13:4 14:3 15:4 16:5 17:3")
_BY_GROUP: Final = {
    "nist-800-53-r5": _NIST,
    "pci-dss-4.0.1": _PCI,
    "owasp-asvs-5": _ASVS,
    "soc2": _SOC2,
}

_FORMS: Final = {
    "nist-800-53-r5": re.compile(r"(?P<group>[A-Z]{2})-(?P<number>[1-9]\d?)(\([1-9]\d?\))?"),
    "iso-27001-2022": re.compile(r"A\.(?P<group>[5-8])\.(?P<number>[1-9]\d?)"),
    "cis-v8": re.compile(r"(?P<group>[1-9]\d?)\.(?P<number>[1-9]\d?)"),
    "soc2": re.compile(r"(?P<group>[A-Z]{1,2}[1-9])\.(?P<number>[1-9])"),
    "pci-dss-4.0.1": re.compile(r"(?P<group>\d+)\.(?P<number>[1-9]\d?)(\.[1-9]\d?){0,3}"),
    "owasp-asvs-5": re.compile(r"(?P<group>\d+)\.(?P<number>[1-9]\d?)(\.[1-9]\d?)?"),
    "owasp-api-2023": re.compile(r"API([1-9]|10):2023"),
}

_EXAMPLES: Final = {
    "nist-800-53-r5": "AC-2(3)",
    "iso-27001-2022": "A.5.17",
    "cis-v8": "6.2",
    "soc2": "CC6.1",
    "pci-dss-4.0.1": "8.6.3",
    "owasp-asvs-5": "13.1.4",
    "owasp-api-2023": "API4:2023",
}
_ALIKE: Final = 0.75
_SHORTEST: Final = 3
"""Fewest letters by which the beginning of a name tells a framework: `nist`, `pci`."""


def mistyped_framework(name: str) -> str | None:
    """Return the framework that `name` is probably meant to be; None if it is fine."""
    if name in _FORMS:
        return None
    short = _bare(name)
    begun = (one for one in _FORMS if len(short) >= _SHORTEST and _bare(one).startswith(short))
    return next(begun, None) or closest(name, _FORMS, likeness=_ALIKE)


def _bare(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def is_known(framework: str, control: str) -> bool:
    """Whether the framework has the control, or is none that we know."""
    form = _FORMS.get(framework)
    if form is None:
        return True
    found = form.fullmatch(control)
    if found is None:
        return False
    if "group" not in form.groupindex:
        return True
    return int(found["number"]) <= _most(framework, found["group"])


def example(framework: str) -> str:
    """Return an identifier as the framework writes them."""
    return _EXAMPLES[framework]


def _most(framework: str, group: str) -> int:
    match framework:
        case "iso-27001-2022":
            return _ISO[int(group)]
        case "cis-v8":
            return _CIS[int(group) - 1] if int(group) <= len(_CIS) else 0
    return _BY_GROUP[framework].get(group, 0)
