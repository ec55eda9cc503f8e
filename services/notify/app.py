"""Notify: who is told what, and introductions."""

from services.notify import api, unsubscribe, workers
from services.notify.handlers import events
from services.notify.held import copies
from shared.service import Service

notify = Service(
    name="notify",
    title="I2PCC notify",
    routers=[api.read, unsubscribe.page],
    handlers=events,
    workers=[workers.send_next],
    held=copies,
)

if __name__ == "__main__":
    notify.run()
