"""The download of all of MNIST, from servers on this machine's loopback."""

import http.server
import io
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import requests

from course_utils.data import mnist
from course_utils.data.mnist import DataUnavailableError, load_mnist

DEADLINE = 5.0

# A second Python process that loads when it is told to.
DRIVER = """
import json, sys
from pathlib import Path
from course_utils.data import mnist
settings = json.loads(sys.argv[1])
mnist.URL, mnist.SHA256 = settings["url"], settings["sha256"]
mnist._cache_folder = lambda: Path(settings["cache"])
import pooch, requests
print("ready", flush=True)
sys.stdin.readline()
images = mnist.load_mnist("train", "full")
print(mnist.sha256_of(images.y), images.x.shape)
"""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.answer(b"")

    def do_GET(self):
        self.server.downloads += 1
        self.server.before_answer()
        self.answer(self.server.body[: self.server.sent])

    def answer(self, body):
        self.send_response(self.server.status)
        length = self.server.length or str(len(self.server.body))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Keep quiet."""


@pytest.fixture
def server(intact, cache, monkeypatch):
    """Serves `body`, or only its first `sent` bytes, and counts downloads."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.body, server.sent, server.status = intact, None, 200
    server.length = None
    server.handle_error = lambda *request: None  # a client may hang up
    server.downloads, server.before_answer = 0, lambda: None
    address = f"http://127.0.0.1:{server.server_port}/mnist.npz"
    monkeypatch.setattr(mnist, "URL", address)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def file_names(folder):
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def seconds_until_refused(match):
    start = time.perf_counter()
    with pytest.raises(DataUnavailableError, match=match):
        load_mnist(source="full")
    return time.perf_counter() - start


def test_a_download_is_checked_kept_and_not_repeated(server, cache, arrays, intact):
    for split in ("train", "test"):
        images = load_mnist(split, "full")
        pixels = arrays[f"x_{split}"][..., None]
        np.testing.assert_array_equal(images.x, pixels.astype(np.float32) / 255)
        np.testing.assert_array_equal(images.y, arrays[f"y_{split}"])
    assert server.downloads == 1
    assert file_names(cache) == ["mnist.npz"]
    assert (cache / "mnist.npz").read_bytes() == intact


def test_a_truncated_cache_is_set_aside_and_fetched_again(server, cache, intact):
    cache.mkdir()
    (cache / "mnist.npz").write_bytes(intact[:1000])
    assert len(load_mnist(source="full")) == 30
    assert (cache / "mnist.npz").read_bytes() == intact
    assert (cache / "mnist.npz.damaged").read_bytes() == intact[:1000]
    assert file_names(cache) == ["mnist.npz", "mnist.npz.damaged"]


def test_other_bytes_are_refused_and_not_kept(server, cache, intact):
    server.body = b"what is this?"
    seconds_until_refused(match="cannot be read")
    assert file_names(cache) == []


@pytest.mark.parametrize("start", [b"<html>", b"\n <!DOCTYPE html>\n<html>"])
def test_a_login_page_instead_of_the_file_is_recognized(server, cache, start):
    server.body = start + b"Please log in to this hall's network</html>"
    seconds_until_refused(match="a web page came instead .* asks for a login")
    assert file_names(cache) == []


def test_other_digits_are_refused_and_not_kept(server, cache, arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays | {"y_test": arrays["y_test"][::-1]})
    server.body = buffer.getvalue()
    seconds_until_refused(match="y_test is not the published one")
    assert file_names(cache) == []


def test_a_broken_transfer_is_refused_and_not_kept(server, cache, intact):
    server.sent = len(intact) // 2
    seconds_until_refused(match="mnist.npz: the connection broke off .*Incomplete")
    assert file_names(cache) == []


@pytest.mark.parametrize("status", [403, 404, 500, 511])
def test_a_server_that_refuses_is_quoted(server, cache, status):
    server.status = status
    seconds_until_refused(match=f"{mnist.URL}: {status}")
    assert file_names(cache) == []


def test_a_damaged_cache_is_kept_when_nothing_better_comes(server, cache, intact):
    cache.mkdir()
    (cache / "mnist.npz").write_bytes(intact[:1000])
    server.status = 404
    seconds_until_refused(match=r"mnist\.npz cannot be read")
    assert (cache / "mnist.npz").read_bytes() == intact[:1000]


def refused(reason):
    """Assert that the message has the reason, and not the one of a silent server."""
    with pytest.raises(DataUnavailableError, match=reason) as caught:
        load_mnist(source="full")
    assert "no answer within" not in str(caught.value)
    assert mnist.OFFER in str(caught.value)


@pytest.fixture
def closed_port():
    """A port of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return unused.getsockname()[1]


@pytest.fixture
def behind_proxy(monkeypatch, closed_port):
    """Settings of a proxy that is not there, for an address outside."""

    def choose(proxy):
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.format(port=closed_port))
        monkeypatch.setattr(mnist, "URL", "https://mnist.invalid/mnist.npz")

    return choose


@pytest.mark.usefixtures("cache")
def test_a_port_that_refuses_is_named_as_the_reason(monkeypatch, closed_port):
    monkeypatch.setattr(mnist, "URL", f"http://127.0.0.1:{closed_port}/mnist.npz")
    refused("refused")


@pytest.mark.usefixtures("cache")
def test_a_name_that_nobody_knows_is_named_as_the_reason(monkeypatch):
    monkeypatch.setattr(mnist, "URL", "http://mnist.invalid/mnist.npz")
    refused("mnist.invalid")


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    "proxy, reason",
    [
        ("http://127.0.0.1:{port}", "proxy .*HTTPS_PROXY"),
        ("nonsense:address", "proxy URL"),
        ("socks5://127.0.0.1:{port}", "SOCKS"),
        ("http://" + 70 * "a", "label"),
    ],
)
def test_a_proxy_that_fails_is_named_as_the_reason(behind_proxy, proxy, reason):
    behind_proxy(proxy)
    refused(reason)


@pytest.mark.usefixtures("cache")
def test_certificates_that_are_not_there_are_named_as_the_reason(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "no-such-file.pem")
    monkeypatch.setattr(mnist, "URL", "https://127.0.0.1/mnist.npz")
    refused("no-such-file.pem")


def test_a_certificate_of_its_own_is_named_as_the_reason(
    server, cache, tmp_path, monkeypatch, require
):
    if shutil.which("openssl") is None:
        require.missing("openssl is missing: apt-get install openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
        + ["-subj", "/CN=127.0.0.1", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setattr(mnist, "URL", mnist.URL.replace("http:", "https:"))
    refused("certificate was not accepted .*self.signed.*REQUESTS_CA_BUNDLE")


def test_a_length_that_is_no_number_is_named_as_the_reason(server, cache):
    server.length = "many"
    refused("many")
    assert file_names(cache) == []


def test_a_server_that_never_answers_costs_little(cache, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setattr(mnist, "URL", f"http://127.0.0.1:{port}/mnist.npz")
        assert seconds_until_refused(match="no answer") < DEADLINE
    assert file_names(cache) == []


def test_a_look_up_of_the_name_that_hangs_costs_little(cache, monkeypatch):
    end = threading.Event()
    monkeypatch.setattr(requests, "head", lambda *args, **kwargs: end.wait(60))
    try:
        assert seconds_until_refused(match="no answer") < DEADLINE
    finally:
        end.set()
    assert file_names(cache) == []


def test_a_server_that_falls_silent_before_the_file_costs_little(server, cache):
    end = threading.Event()
    server.before_answer = lambda: end.wait(60)
    try:
        assert seconds_until_refused(match="timed out") < DEADLINE
    finally:
        end.set()
    assert file_names(cache) == []


@pytest.mark.parametrize("cached", [None, 1000])
def test_two_processes_that_load_at_once_both_succeed(server, cache, intact, cached):
    if cached is not None:
        cache.mkdir()
        (cache / "mnist.npz").write_bytes(intact[:cached])
    # no file is sent before both have asked for it
    server.before_answer = threading.Barrier(2, timeout=3).wait
    settings = {"url": mnist.URL, "sha256": mnist.SHA256, "cache": str(cache)}
    command = [sys.executable, "-c", DRIVER, json.dumps(settings)]
    loaders = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for loader in loaders:
        assert loader.stdout.readline() == "ready\n"
    for loader in loaders:
        loader.stdin.write("\n")
        loader.stdin.flush()
    answers = {loader.communicate(timeout=60)[0] for loader in loaders}
    assert [loader.returncode for loader in loaders] == [0, 0]
    assert answers == {
        f"{mnist.sha256_of(load_mnist(source='full').y)} (30, 28, 28, 1)\n"
    }
    assert server.downloads == 2
    assert (cache / "mnist.npz").read_bytes() == intact
