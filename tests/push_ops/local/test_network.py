import http.server
import json
import socket
import threading

import pytest

from push_ops.local.network import HOST, ask, find_free_ports, list_unready, refuse_taken_port
from push_ops.local.startup import StartError

WELL = dict.fromkeys(("metadatabase", "scheduler", "dag_processor", "triggerer"), "healthy")


def test_a_port_in_use_is_refused_with_another_to_try():
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(StartError, match=rf"Port {port} .* make up PORT={port + 1}"):
            refuse_taken_port(port, command="make up")


def test_a_port_just_left_is_free():
    with socket.socket() as other:
        other.bind((HOST, 0))
        port = other.getsockname()[1]

    refuse_taken_port(port, command="make up")


def test_free_ports_can_be_listened_on_at_once():
    sockets = [socket.create_server((HOST, port)) for port in find_free_ports(3)]

    assert len({each.getsockname() for each in sockets}) == 3
    for each in sockets:
        each.close()


@pytest.mark.parametrize(
    ("unwell", "components"),
    [
        ({}, []),
        ({"scheduler": "unhealthy"}, ["scheduler"]),
        ({"metadatabase": "unhealthy", "dag_processor": None}, ["api-server", "dag-processor"]),
    ],
)
def test_the_api_says_which_components_are_unwell(unwell, components):
    said = {part: {"status": status} for part, status in {**WELL, **unwell}.items()}

    assert _ask(json.dumps(said)) == components


def test_an_api_that_does_not_answer_is_unwell():
    assert list_unready(find_free_ports(1)[0]) == ["api-server"]


def test_a_page_of_another_program_is_no_answer():
    assert _ask("<html>") == ["api-server"]


@pytest.mark.parametrize(("page", "is_well"), [('{"status": "healthy"}', True), ("[]", False)])
def test_a_server_answers_or_not(page, is_well):
    assert (_ask(page, lambda port: ask(port, "/execution/health")) is not None) is is_well


def test_where_nothing_listens_nothing_answers():
    assert ask(find_free_ports(1)[0], "/execution/health") is None


def test_a_refusal_is_no_answer():
    assert _ask('{"detail": "no"}', lambda port: ask(port, "/api/v2/dags"), status=403) is None


def test_what_is_posted_arrives_with_who_asks():
    heard = []

    found = _ask("{}", lambda port: ask(port, "/x", token="t", body={"a": "b"}), heard=heard)

    assert found == {}
    assert heard == ["Bearer t", b'{"a": "b"}']


def _ask(page, how=list_unready, *, status=200, heard=None):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(page.encode())

        def do_POST(self):
            length = int(self.headers["Content-Length"])
            heard.extend([self.headers["Authorization"], self.rfile.read(length)])
            self.do_GET()

        def log_message(self, *_):
            """Say nothing."""

    with http.server.HTTPServer((HOST, 0), Answer) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        told = how(server.server_port)
        thread.join()
    return told
