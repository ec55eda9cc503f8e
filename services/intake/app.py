"""Intake: companies and their proposals."""

from services.intake import api, consortia, contacts, invitations, proposal_drafts, proposals
from services.intake.models import Contact
from shared.contacts import held
from shared.service import Service

MODULES = (api, contacts, proposals, proposal_drafts, consortia, invitations)

intake = Service(
    name="intake",
    title="I2PCC intake",
    routers=[router for module in MODULES for router in (module.write, module.read)],
    held=held(Contact),
)

if __name__ == "__main__":
    intake.run()
