"""Locks, versions and links agree."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import push_model
from tests.project import ml_test_score

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LARGEST_FILE_BYTES = 300_000
# A page with all of its pictures inside, and a lock with hashes.
LARGER = {"docs/exploration/report.html": 1_000_000, "requirements-image.txt": 400_000}
LOCKS = {
    "requirements.txt": ["requirements.in", "requirements-dev.in"],
    "requirements-image.txt": ["requirements.in"],
}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_all_that_its_inputs_ask_for(lock):
    pins = _pins(lock)

    wanted = [wish for name in LOCKS[lock] for wish in _wishes(name)]

    assert len(wanted) > 10
    for wish in wanted:
        pinned = pins.get(canonicalize_name(wish.name), [])
        assert pinned, f"{wish} is not in {lock}: run `make lock`"
        assert all(wish.specifier.contains(p.version) for p in pinned), f"{wish}: run `make lock`"


def test_the_image_runs_the_versions_that_were_tested():
    tested = {
        (name, pin.version) for name, pins in _pins("requirements.txt").items() for pin in pins
    }
    image = {
        (name, pin.version)
        for name, pins in _pins("requirements-image.txt").items()
        for pin in pins
    }

    assert image < tested


def test_every_package_of_the_image_has_a_hash():
    text = (ROOT / "requirements-image.txt").read_text("utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", text.split("make lock\n", 1)[1])

    assert len(entries) > 100
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place_to_fetch_from(lock):
    text = (ROOT / lock).read_text("utf-8")

    assert not re.search(r"https?://|file:|--index|--extra-index|--find-links|--trusted-host", text)


def test_what_is_tested_here_is_what_the_lock_pins():
    pins = [pin for pins in _pins("requirements.txt").values() for pin in pins if pin.applies]

    other = {pin.name: version(pin.name) for pin in pins if version(pin.name) != pin.version}

    assert other == {}, "remove .venv/.installed and run make again"


def test_the_release_has_one_version_everywhere():
    changelog = re.search(
        r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    compose = (ROOT / "docker-compose.yaml").read_text("utf-8")

    assert push_model.__version__ == PROJECT["version"]
    assert changelog
    assert changelog[1] == PROJECT["version"]
    assert f"image: push-model:{PROJECT['version']}\n" in compose


@pytest.mark.parametrize(
    "page", [p.relative_to(ROOT) for p in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))], ids=str
)
def test_every_link_to_a_file_leads_to_one(page):
    text = (ROOT / page).read_text("utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)

    lost = [link for link in links if not (ROOT / page).parent.joinpath(link).exists()]

    assert lost == []


@pytest.mark.parametrize(
    "record", sorted(p.name for p in (ROOT / "docs" / "adr").glob("*.md") if p.name[:4] != "0000")
)
def test_a_decision_says_all_and_names_a_test_that_exists(record):
    text = (ROOT / "docs" / "adr" / record).read_text("utf-8")
    enforced_by = text.split("**Enforced by.**")[1]

    for part in ("Context", "Decision", "Options", "Consequences"):
        assert f"**{part}.**" in text
    for path, name in _named_tests(enforced_by):
        assert (ROOT / path).exists(), path
        assert not name or f"def {name}(" in (ROOT / path).read_text("utf-8"), name


def test_no_file_is_large():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    files = [ROOT / name for name in listed.split("\0") if name]

    large = [
        str(file.relative_to(ROOT))
        for file in files
        if file.is_file()
        and file.stat().st_size > LARGER.get(str(file.relative_to(ROOT)), LARGEST_FILE_BYTES)
    ]

    assert len(files) > 20
    assert large == []


def test_no_secret_can_be_committed_by_accident():
    secret = [".env", ".airflow/passwords.json", "data/frame.csv", "backup/airflow.dump"]

    assert _run(["git", "check-ignore", *secret]).stdout.split() == secret


class _Pin:
    def __init__(self, line):
        wish = Requirement(line)
        self.name = canonicalize_name(wish.name)
        self.version = next(iter(wish.specifier)).version
        self.applies = wish.marker is None or wish.marker.evaluate()


def _pins(lock):
    pins = {}
    for line in (ROOT / lock).read_text("utf-8").splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            pin = _Pin(line.rstrip(" \\"))
            pins.setdefault(pin.name, []).append(pin)
    return pins


def _wishes(name):
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text("utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def _named_tests(text):
    return [
        (path, name) for path, _, name in (t.partition("::") for t in re.findall("`(.+?)`", text))
    ]


def _run(command):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_ml_test_score_is_that_of_the_markers():
    proofs = ml_test_score.find_proofs()

    assert proofs.keys() <= ml_test_score.NAMES.keys()
    assert not proofs.keys() & ml_test_score.BY_HAND.keys()
    assert ml_test_score.PAGE.read_text("utf-8") == ml_test_score.write_page(proofs)
