"""What notify counts."""

from prometheus_client import Counter

from services.notify.rules import Template

MAILS = Counter(
    "i2pcc_mails",
    "Mails that the server took, that failed and are tried again, or that were refused for good; a digest is one, "
    "under its first occasion's template.",
    ("template", "outcome"),
)
for _template in Template:
    for _outcome in ("sent", "failed", "refused"):
        MAILS.labels(_template, _outcome)
