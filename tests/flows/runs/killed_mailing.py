"""A process that delivers a run by mail, and is killed right after its n-th mail was handed over."""

import os
import signal
import sys
from datetime import datetime
from unittest.mock import patch


def main(run_id: int, at: datetime, at_mail: int) -> None:
    """Deliver until SIGKILL: the server has taken the mail, and nobody has heard its answer."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "dunwell.settings"
    import django  # the environment names the database

    django.setup()
    import smtplib

    from dunwell.flows.runs.deliver import deliver_run

    getreply = smtplib.SMTP.getreply
    taken = 0

    def heard(wire: smtplib.SMTP) -> tuple[int, bytes]:
        nonlocal taken
        reply = getreply(wire)
        taken += reply == (250, b"taken")
        if taken == at_mail:
            os.kill(os.getpid(), signal.SIGKILL)
        return reply

    with patch.object(smtplib.SMTP, "getreply", heard):
        deliver_run(run_id, clock=lambda: at, by="worker")


if __name__ == "__main__":
    main(int(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), int(sys.argv[3]))
