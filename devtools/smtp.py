"""A mail server on this machine, which keeps who got what: for tests and benches."""

import contextlib
import logging
import socket

from aiosmtpd.controller import Controller

# It tells each line of each letter.
logging.getLogger("mail.log").setLevel(logging.WARNING)


class Inbox:
    """The letters that arrived: (recipient, subject)."""

    def __init__(self):
        self.letters = []

    async def handle_DATA(self, _server, _session, envelope):
        head = envelope.content.split(b"\r\n\r\n", 1)[0].decode()
        lines = (line for line in head.splitlines() if line.startswith("Subject: "))
        subject = next(lines, "").removeprefix("Subject: ")
        self.letters += [(recipient, subject) for recipient in envelope.rcpt_tos]
        return "250 OK"


def free_port():
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def receiving(port=None):
    """Receive mail in a thread; lend the inbox, which knows its port."""
    inbox = Inbox()
    inbox.port = port or free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=inbox.port)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()


def use(env, port):
    """Let a database send its mail to a port of this machine, and no other."""
    env["ir.mail_server"].search([]).active = False
    values = {"smtp_host": "127.0.0.1", "smtp_encryption": "none"}
    env["ir.mail_server"].create({**values, "name": "Loopback", "smtp_port": port})


def queue(env, count, subject="Sale"):
    """Queue letters, each to somebody else."""
    return env["mail.mail"].create(
        [
            {
                "subject": subject,
                "body_html": "<p>Come in.</p>",
                "email_from": "shop@example.com",
                "email_to": f"c{i}@example.com",
                "auto_delete": True,
            }
            for i in range(count)
        ]
    )
