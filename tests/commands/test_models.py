import getpass
import json
import os

import pytest

from push_model import health
from push_model.serving.live_model import LIVE_MODELS
from push_model.store.folder import write_model_folder
from push_model.store.history import history
from push_model.store.promotion import champion, promote
from push_model.testing import make_model
from tests.effort import EFFORT

FACTS = {
    "trained_on": "2026-01-05",
    "parametrisation": {"model": "boosted_trees"},
    "metrics": {"holdout": {"model": {"average_precision": 0.25}}},
}

LINE_4 = (
    "Line 4 of promotions.jsonl was damaged or edited. "
    "Restore the file from a backup, or empty that line."
)


@pytest.fixture
def models(tmp_path):
    """A store of three models: a and b were promoted, c never; only c was really trained."""
    store = tmp_path / "models"
    for number, (name, before) in enumerate([("push_a", None), ("push_b", "push_a")]):
        make_model(store, name, base_log_odds=float(number), promoted=False)
        promote(
            *(store, name),
            expected=before,
            verdict=None,
            reason="better",
            promoted_at="2026-01-05",
            by="the gate",
        )
    content = (store / "push_a" / "model.json").read_bytes()
    write_model_folder(store, "push_c", {"model.json": content, "model.joblib": b"1"}, FACTS)
    return store


def test_models_lists_each_with_what_its_manifest_says_and_its_faults(run, models, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    (models / "push_a" / "model.json").write_bytes(b"{}")

    code, out, _ = run("models")

    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "push_a  was champion, damaged"
    assert lines[2].startswith("    push_a/model.json does not match its manifest")
    assert lines[3:] == [
        "push_b  champion",
        "    trained on 2026-01-05",
        "push_c  ",
        "    trained on 2026-01-05, boosted_trees, average precision 0.2500 on its holdout",
    ]


def test_models_lists_them_even_if_the_pointer_is_damaged_and_says_so(run, models):
    (models / "champion.json").write_bytes(b"{")

    code, out, err = run("models")

    assert code == 1
    assert "push_c" in out
    assert "champion.json does not name a champion" in err


def test_promote_forces_and_logs_who_and_why(run, models):
    code, out, _ = run("promote", "push_c", "--reason", "b is wrong")

    assert code == 0
    assert "push_c serves now in place of push_b." in out
    move = history(models)[-1]
    assert (move.kind, move.by, move.reason) == ("forced", "ada", "b is wrong")
    assert champion(models).model_name == "push_c"


def test_promote_says_when_nothing_changed(run, models):
    _, out, _ = run("promote", "push_b", "--reason", "to be sure")

    assert "push_b was the champion already; nothing changed." in out
    assert len(history(models)) == 2


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("command", [["promote", "push_c"], ["rollback"]])
def test_a_change_needs_a_reason(run, command):
    blank = run(*command, "--reason", " ")
    none = run(*command)

    assert (blank[0], none[0]) == (1, 2)
    assert "needs a reason: say in a sentence why." in blank[2]
    assert "--reason" in none[2]


def test_a_user_without_a_name_is_logged_by_number(run, models, monkeypatch):
    def fail():
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", fail)

    run("promote", "push_c", "--reason", "b is wrong")

    assert history(models)[-1].by == f"user {os.getuid()}"


@pytest.mark.mltest("Infra 7")
@pytest.mark.parametrize("to", [[], ["--to", "push_a"]])
def test_rollback_goes_back_or_to_the_one_named_and_says_from_where(run, models, to):
    code, out, _ = run("rollback", *to, "--reason", "complaints")

    assert code == 0
    assert "push_a serves now in place of push_b." in out
    assert champion(models).by == "ada"


def test_rollback_goes_to_no_model_that_never_served(run, models):
    code, _, err = run("rollback", "--to", "push_c", "--reason", "complaints")

    assert code == 1
    assert "'push_c' never was champion" in err
    assert champion(models).model_name == "push_b"


def test_both_replace_a_damaged_pointer(run, models):
    for command in (["rollback"], ["promote", "push_c"]):
        (models / "champion.json").write_bytes(b"{")

        code, out, _ = run(*command, "--reason", "damaged")

        assert code == 0
        assert out.startswith("champion.json was damaged or edited; this command replaces it.")
        assert champion(models) is not None


def test_history_shows_every_champion_and_says_what_it_leaves_out(run, models):
    run("rollback", "--reason", "[bold]complaints[/]")
    with (models / "promotions.jsonl").open("ab") as log:
        log.write(b'{"from": ')

    code, out, _ = run("history")

    assert code == 0
    assert out.splitlines() == [
        "  1  2026-01-05  verdict: push_a, by the gate",
        "     better",
        "  2  2026-01-05  verdict: push_b after push_a, by the gate",
        "     better",
        f"  3  {when_of(out, 3)}  rollback: push_a after push_b, by ada",
        "     [bold]complaints[/]",
        LINE_4,
    ]


def when_of(out, number):
    (line,) = [line for line in out.splitlines() if line.startswith(f"{number:>3}  ")]
    return line.split()[1]


def test_history_of_a_new_store_is_empty(run):
    assert "Nothing was promoted yet." in run("history")[1]


def test_verify_says_that_all_is_whole(run, models):
    (models / "push_c" / "card.html").touch()

    code, out, _ = run("verify")

    assert code == 0
    assert "push_a: whole, 1 file(s) as saved\n" in out
    assert "push_c: whole, 2 file(s) as saved; not in its manifest: card.html\n" in out


def test_verify_names_every_fault_and_fails(run, models):
    (models / "push_c" / "model.joblib").write_bytes(b"2")
    (models / "push_a" / "model.json").unlink()

    code, out, err = run("verify")
    one = run("verify", "push_b")

    assert code == 1
    assert "push_c/model.joblib does not match its manifest" in out
    assert "push_a/model.json cannot be read" in out
    assert "2 fault(s)" in err
    assert one[0] == 0


def test_verify_finds_a_pointer_that_leads_nowhere(run, models):
    pointer = {"model_name": "gone", "promoted_at": "2026-01-05", "by": "hand"}
    (models / "champion.json").write_text(json.dumps(pointer))
    gone = run("verify")
    (models / "champion.json").write_bytes(b"{")
    damaged = run("verify")

    assert (gone[0], damaged[0]) == (1, 1)
    assert "The champion gone is gone from the store" in gone[1]
    assert "champion.json does not name a champion" in damaged[1]


@pytest.mark.parametrize("file", ["champion.json", "promotions.jsonl"])
def test_each_bit_flipped_in_pointer_or_log_is_harmless_or_said(run, models, file):
    path, moves = models / file, history(models)
    whole = path.read_bytes()
    named = 8 * whole.rindex(b"push_b")
    for bit in {*range(0, 8 * len(whole), 31 // EFFORT), *range(named, named + 8 * len("push_b"))}:
        LIVE_MODELS.__init__(check_every_s=0.0)
        assert health(models_dir=models)["last_error"] is None
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        os.utime(path, ns=(bit, bit))  # as a later write does, on a disk with coarse times

        running = health(models_dir=models)
        LIVE_MODELS.__init__(check_every_s=0.0)
        fresh = health(models_dir=models)

        is_said = run("verify")[0] == 1
        assert running["model_name"] == "push_b"
        assert fresh["model_name"] in ({"push_b", None} if is_said else {"push_b"})
        assert all((each["last_error"] is not None) is is_said for each in (running, fresh))
        assert is_said or history(models) == moves
        path.write_bytes(whole)


def test_verify_compares_the_pointer_of_an_older_release_with_its_line(run, models):
    pointer = json.loads((models / "champion.json").read_text()) | {"model_name": "push_a"}
    del pointer["sha256"]
    (models / "champion.json").write_text(json.dumps(pointer))

    code, out, _ = run("verify")

    assert code == 1
    assert "Move 2: promotions.jsonl names push_b, champion.json names push_a." in out
    assert health(models_dir=models)["last_error"]["message"].startswith("Move 2: ")


def test_prune_says_what_stays_and_why_and_what_went(run, models):
    os.utime(models / "push_c" / "manifest.json", (0, 0))

    would = run("prune", "--keep", "1", "--dry-run")
    is_there = (models / "push_c").exists()
    done = run("prune", "--keep", "1")
    again = run("prune")

    assert is_there
    assert "would remove push_c\n" in would[1]
    assert "removed push_c\n" in done[1]
    assert "keeps push_b: the champion\n" in done[1]
    assert "keeps push_a: an earlier champion to go back to\n" in done[1]
    assert "Nothing to remove." in again[1]
    assert not (models / "push_c").exists()


@pytest.mark.parametrize(
    "command", [["promote", "push_c", "--reason", "x"], ["rollback", "--reason", "x"], ["prune"]]
)
def test_what_the_disk_refuses_is_a_sentence(run, models, monkeypatch, command):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", str(models / ".promotion.lock"))

    monkeypatch.setattr(os, "open", refuse)
    for module in ("commands.models", "store.promotion"):
        monkeypatch.setattr(f"push_model.{module}.find_champion", lambda _: (None, False))

    code, _, err = run(*command)

    assert code == 1
    assert f"{models}/.promotion.lock cannot be read or written by ada." in err
    assert "Traceback" not in err
