"""What people call frameworks and their requirements: names for the identifiers of policies.

Titles are short ones in our own words where the framework's own are not free to repeat, and only
of what policies about keys and tokens are likely to name; without a title the identifier stands
alone. Sources: NIST SP 800-53 r5.1.1, CIS Controls 8, ISO/IEC 27001:2022 Annex A, AICPA trust
services criteria 2017, PCI DSS 4.0.1, OWASP ASVS 5.0.0, OWASP API Security Top 10 2023.
"""

from typing import Final

_NAMES: Final = {
    "cis-v8": "CIS Controls v8",
    "iso-27001-2022": "ISO/IEC 27001:2022",
    "nist-800-53-r5": "NIST SP 800-53 r5",
    "owasp-api-2023": "OWASP API Security Top 10, 2023",
    "owasp-asvs-5": "OWASP ASVS 5",
    "pci-dss-4.0.1": "PCI DSS 4.0.1",
    "soc2": "SOC 2",
}
_TITLES: Final = {
    "cis-v8": {
        "3.11": "Encrypt sensitive data at rest",
        "4.7": "Manage default accounts",
        "5.1": "Keep an inventory of accounts",
        "5.2": "Use unique passwords",
        "5.3": "Disable dormant accounts",
        "5.4": "Restrict administrator privileges",
        "5.5": "Keep an inventory of service accounts",
        "6.1": "Have a process for granting access",
        "6.2": "Have a process for revoking access",
        "6.8": "Define and maintain access by role",
        "16.1": "Have a process for secure development",
    },
    "iso-27001-2022": {
        "A.5.9": "Inventory of information and assets",
        "A.5.15": "Access control",
        "A.5.16": "Identity management",
        "A.5.17": "Authentication information",
        "A.5.18": "Access rights",
        "A.8.2": "Privileged access rights",
        "A.8.3": "Restriction of access to information",
        "A.8.5": "Secure authentication",
        "A.8.6": "Capacity management",
        "A.8.9": "Configuration management",
        "A.8.24": "Use of cryptography",
    },
    "nist-800-53-r5": {
        "AC-2": "Account management",
        "AC-2(3)": "Account management: disable accounts",
        "AC-3": "Access enforcement",
        "AC-5": "Separation of duties",
        "AC-6": "Least privilege",
        "AU-6": "Audit record review, analysis and reporting",
        "CM-6": "Configuration settings",
        "CM-7": "Least functionality",
        "CM-8": "System component inventory",
        "IA-2": "Identification and authentication of users",
        "IA-4": "Identifier management",
        "IA-5": "Authenticator management",
        "IA-5(1)": "Authenticator management: passwords",
        "IA-5(7)": "Authenticator management: none embedded unencrypted",
        "SC-5": "Denial-of-service protection",
        "SC-12": "Cryptographic key establishment and management",
        "SI-4": "System monitoring",
    },
    "owasp-api-2023": {
        "API1:2023": "Broken object level authorization",
        "API2:2023": "Broken authentication",
        "API3:2023": "Broken object property level authorization",
        "API4:2023": "Unrestricted resource consumption",
        "API5:2023": "Broken function level authorization",
        "API6:2023": "Unrestricted access to sensitive business flows",
        "API8:2023": "Security misconfiguration",
        "API9:2023": "Improper inventory management",
    },
    "owasp-asvs-5": {
        "13.1.4": "Secrets and a schedule for their rotation are documented",
        "13.2.2": "Back-end components talk with the least privilege",
        "13.3.1": "A vault holds the secrets of the back end",
        "13.3.2": "Access to secrets follows the least privilege",
        "13.3.4": "Secrets expire and are rotated as documented",
    },
    "pci-dss-4.0.1": {
        "7.2.5": "Application and system accounts have the least privilege",
        "7.2.5.1": "Access of application and system accounts is reviewed",
        "8.2.6": "Inactive accounts are removed or disabled",
        "8.3.9": "Passwords are changed, or accounts watched",
        "8.6.1": "Interactive use of system accounts is managed",
        "8.6.2": "Secrets of system accounts are not hard-coded",
        "8.6.3": "Secrets of system accounts are changed and complex enough",
    },
    "soc2": {
        "CC6.1": "Logical access is restricted",
        "CC6.2": "Access is registered, authorized and removed",
        "CC6.3": "Access follows roles and the least privilege",
        "CC6.6": "Threats from outside the boundary are kept out",
        "CC7.1": "Changes of configuration and new weaknesses are detected",
        "CC7.2": "Anomalies are monitored",
    },
}


def name_of_framework(framework: str) -> str:
    """Return what people call the framework; its identifier where we know no name."""
    return _NAMES.get(framework, framework)


def title_of(framework: str, control: str) -> str:
    """Return a short title of a framework's requirement; empty where we know none."""
    return _TITLES.get(framework, {}).get(control, "")
