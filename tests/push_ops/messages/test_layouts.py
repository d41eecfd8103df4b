from dataclasses import replace

import pytest

from push_ops.messages.layouts import as_chat, as_mail, as_question, as_text
from push_ops.messages.messages import Message, describe_overdue
from tests.push_ops.judged import LOOSENED, SAYS_LOOSENED, judged_run

MESSAGE = Message(
    kind="Kept",
    what="push_old stays the champion.",
    why="Precision <= 5 % & falling.",
    link="http://airflow.invalid/runs/one",
)


CARD = "http://airflow.invalid/plugin/push-models/push-models/models/push_new/card"


def question(champion="push_old", **facts):
    reasons = ("It *ranks* better.", "Feature set_as_regular is as it was.")
    return as_question(judged_run(champion=champion, reasons=reasons, **facts), hours=4, card=CARD)


def test_a_log_has_a_line_for_each_question():
    assert as_text(MESSAGE).splitlines() == [
        "Kept: push_old stays the champion.",
        "Why: Precision <= 5 % & falling.",
        "Where: http://airflow.invalid/runs/one",
        f"Next: {MESSAGE.next_step}",
    ]


def test_a_chat_message_can_ring_no_channel():
    loud = Message(kind="Kept", what="<!channel>", why="a & b", link="run one")

    text = as_chat(loud)

    assert text.startswith("*Kept*: &lt;!channel&gt;\n*Why*: a &amp; b\n*Where*: run one\n*Next*: ")


def test_a_mail_has_a_subject_to_sort_by_and_a_link_to_follow():
    subject, body = as_mail(MESSAGE, dag_id="push_retraining")

    assert subject == "push_retraining: Kept: push_old stays the champion."
    assert '<a href="http://airflow.invalid/runs/one">' in body
    assert "Precision &lt;= 5 % &amp; falling." in body


def test_a_message_about_a_model_links_to_its_card():
    message = replace(MESSAGE, card=CARD)

    assert f"Card: {CARD}" in as_text(message).splitlines()
    assert f"*Card*: {CARD}\n" in as_chat(message)
    assert f'<a href="{CARD}">model card</a>' in as_mail(message, dag_id="push_retraining")[1]


def test_a_table_keeps_its_columns_and_its_command_in_each_channel():
    table = "  column    rows\n  discount    12\nTo check it: push-model check frame.csv"
    refused = Message(kind="Dataset refused", what="Load", why=f"It breaks.\n{table}", link="run")

    assert f"Why: It breaks.\n{table}\n" in as_text(refused)
    assert f"*Why*: It breaks.\n```\n{table}\n```\n" in as_chat(refused)
    assert f"It breaks.</p><pre>{table}</pre><p>" in as_mail(refused, dag_id="dag")[1]


def test_a_mail_links_to_nothing_where_no_address_is_configured():
    _, body = as_mail(describe_overdue(3, is_ended=False, link="run one"), dag_id="push_retraining")

    assert "<a" not in body
    assert "run one" in body


@pytest.mark.parametrize(
    ("champion", "subject", "stays"),
    [
        ("push_old", "Promote push_new in place of push_old?", "push_old stays"),
        (None, "Promote push_new, the first champion?", "there is still no champion"),
    ],
)
def test_a_question_names_both_models_and_the_consequence_of_a_no(champion, subject, stays):
    asked, body = question(champion)

    assert asked == subject
    assert body.endswith(f"or no answer in 4 hours: {stays}.")
    assert rf"[Model card of push\_new]({CARD})" in body


def test_a_question_has_the_figures_of_those_it_is_about():
    _, body = question()

    assert "| on 40 orders of 9 days | average precision | 95 % interval |" in body
    assert "| challenger | 0.3000 | 0.2500 to 0.3500 |" in body
    assert "| champion | 0.2500 | 0.2000 to 0.3000 |" in body
    assert "| popularity baseline | 0.1000 | 0.0500 to 0.1500 |" in body
    assert "bought before" not in body


def test_a_question_says_which_limits_were_changed_for_the_run():
    assert f"- {SAYS_LOOSENED}\n- It" in question(changed_limits=LOOSENED)[1]
    assert "Limits" not in question()[1]


def test_a_question_shows_names_as_they_are_written():
    _, body = question()

    assert r"- Feature set\_as\_regular is as it was." in body
    assert r"- It \*ranks\* better." in body
