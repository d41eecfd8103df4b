"""Servers that record what they are sent: a chat's webhook and a mail server, on this machine."""

import json
import socket
import threading
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller

from tests.waiting import free_port

HOST = "127.0.0.1"
SECRET_PATH = "/services/T0/B0/secret-of-the-webhook"


class Chat:
    """A webhook: ``address``, what it ``received``, and the ``status`` it answers with.

    ``requests`` counts those of any method.
    """

    def __init__(self, status=200, headers=None):
        self.status, self.headers = status, headers or {}
        self.received, self.requests, self.release = [], 0, threading.Event()
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def parse_request(self):
                chat.requests += 1
                return super().parse_request()

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                chat.received.append((self.headers["Content-Type"], body))
                if chat.status is None:  # it hangs
                    chat.release.wait(30)
                    return
                self.send_response(chat.status)
                for name, value in chat.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.address = f"http://{HOST}:{self.server.server_port}{SECRET_PATH}"


@contextmanager
def a_chat(status=200, headers=None):
    """A webhook that answers with `status`; None: it never answers."""
    chat = Chat(status, headers)
    thread = threading.Thread(target=chat.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield chat
    finally:
        chat.release.set()
        chat.server.shutdown()
        thread.join()
        chat.server.server_close()


class _Mailbox:
    def __init__(self, answer):
        self.answer, self.received = answer, []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - its name in aiosmtpd
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.received.append((envelope.rcpt_tos, mail))
        return self.answer


@contextmanager
def a_mail_server(answer="250 OK"):
    """Its port, and the mails it was given, each with those it was addressed to."""
    mailbox = _Mailbox(answer)
    controller = Controller(mailbox, hostname=HOST, port=free_port())
    controller.start()
    try:
        yield controller.port, mailbox.received
    finally:
        controller.stop()


@contextmanager
def a_silent_port():
    """A port that takes connections and says nothing."""
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def chat_connection(address):
    """What Airflow's connection to a chat holds, as its environment variable."""
    return json.dumps({"conn_type": "generic", "password": address})


def mail_connection(port):
    """What Airflow's connection to a mail server without encryption holds."""
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "push@example.invalid"}
    return json.dumps({"conn_type": "smtp", "host": HOST, "port": port, "extra": extra})
