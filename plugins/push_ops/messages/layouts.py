"""Lay out messages for a log, a chat and a mail, and a verdict for the person who approves it."""

from html import escape

from push_model.training.gate.verdict import Verdict
from push_ops.messages.messages import Message
from push_ops.retraining.run_folder import JudgedRun

_SCORERS = {
    "challenger": "challenger",
    "champion": "champion",
    "popularity": "popularity baseline",
}


def as_text(message: Message) -> str:
    """Return a message as lines of a log."""
    return (
        f"{message.kind}: {message.what}\nWhy: {message.why}\nWhere: {message.link}\n"
        + (f"Card: {message.card}\n" if message.card else "")
        + f"Next: {message.next_step}"
    )


def as_chat(message: Message) -> str:
    """Return a message as text for Slack, and for what reads the same (Mattermost, Rocket.Chat)."""
    what, why, link, next_step = (
        # Slack's own three; anything else in angle brackets could ring a whole channel.
        escape(text, quote=False)
        for text in (message.what, message.why, message.link, message.next_step)
    )
    sentence, is_table, table = why.partition("\n")
    if is_table:  # in letters of one width
        why = f"{sentence}\n```\n{table}\n```"
    card = f"\n*Card*: {message.card}" if message.card else ""
    return f"*{message.kind}*: {what}\n*Why*: {why}\n*Where*: {link}{card}\n*Next*: {next_step}"


def as_mail(message: Message, *, dag_id: str) -> tuple[str, str]:
    """Return a mail's subject and its HTML."""
    what, why, link, next_step = map(
        escape, (message.what, message.why, message.link, message.next_step)
    )
    sentence, _, table = why.partition("\n")
    where = f'<a href="{link}">{link}</a>' if link.startswith("http") else link
    if message.card:
        where += f', <a href="{escape(message.card)}">model card</a>'
    body = (
        f"<p>{what}</p><p><b>Why:</b> {sentence}</p>{f'<pre>{table}</pre>' if table else ''}"
        f"<p><b>Where:</b> {where}</p><p><b>Next:</b> {next_step}</p>"
    )
    return f"{dag_id}: {message.kind}: {message.what}", body


def as_question(run: JudgedRun, *, hours: float, card: str) -> tuple[str, str]:
    """Return the question to the person who approves a promotion: its subject and its body.

    `card` is the address of the model's card; empty where none is configured.
    """
    name, serving = run.model_name, run.verdict.champion_name
    subject = f"Promote {name}{f' in place of {serving}' if serving else ', the first champion'}?"
    reasons = "\n".join(
        f"- {_plain(said)}" for said in (*run.verdict.changes, *run.verdict.reasons)
    )
    body = (
        f"**{_plain(run.verdict.headline)}**\n\n{reasons}\n\n{_figures(run.verdict)}\n\n"
        f"{f'[Model card of {_plain(name)}]({card})' if card else 'Model card: card.html'}\n\n"
        f"**Approve**: {name} serves within a second. **Reject**, or no answer in {hours:g} hours: "
        f"{f'{serving} stays' if serving else 'there is still no champion'}."
    )
    return subject, body


def _figures(verdict: Verdict) -> str:
    found, holdout = verdict.by_scorer("average_precision"), verdict.holdout
    assert holdout, "a winner was measured"
    lines = [
        "| {} | {:.4f} | {:.4f} to {:.4f} |".format(title, *found[name])
        for name, title in _SCORERS.items()
        if name in found
    ]
    head = f"| on {holdout.orders} orders of {holdout.days} days | average precision | "
    level = f"{100 * holdout.level:g} % interval |"
    return "\n".join([head + level, "|---|---:|---:|", *lines])


def _plain(text: str) -> str:
    # "model_name" and "*" would be drawn as emphasis.
    return text.replace("*", r"\*").replace("_", r"\_")
