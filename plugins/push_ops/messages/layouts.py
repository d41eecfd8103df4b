"""How does a message look in a log, in a chat and in a mail? And a verdict, to who approves it?"""

from collections.abc import Mapping
from html import escape
from typing import Any

from push_ops.messages.messages import Message

_SCORERS = {
    "challenger": "challenger",
    "champion": "champion",
    "popularity": "popularity baseline",
}


def as_text(message: Message) -> str:
    """Lay a message out for a log."""
    return (
        f"{message.kind}: {message.what}\nWhy: {message.why}\nWhere: {message.link}\n"
        f"Next: {message.next_step}"
    )


def as_chat(message: Message) -> dict[str, str]:
    """Lay a message out for Slack, and for what takes the same (Mattermost, Rocket.Chat)."""
    what, why, link, next_step = (
        # Slack's own three; anything else in angle brackets could ring a whole channel.
        escape(text, quote=False)
        for text in (message.what, message.why, message.link, message.next_step)
    )
    return {"text": f"*{message.kind}*: {what}\n*Why*: {why}\n*Where*: {link}\n*Next*: {next_step}"}


def as_mail(message: Message, *, dag_id: str) -> tuple[str, str]:
    """Lay a message out for a mail."""
    what, why, link, next_step = map(
        escape, (message.what, message.why, message.link, message.next_step)
    )
    where = f'<a href="{link}">{link}</a>' if link.startswith("http") else link
    body = (
        f'<p>{what}</p><p style="white-space: pre-wrap"><b>Why:</b> {why}</p>'
        f"<p><b>Where:</b> {where}</p><p><b>Next:</b> {next_step}</p>"
    )
    return f"{dag_id}: {message.kind}: {message.what}", body


def as_question(run: Mapping[str, Any], *, hours: float) -> tuple[str, str]:
    """Lay a verdict out for the person who is asked to approve it."""
    name, verdict = run["model_name"], run["verdict"]
    serving = verdict["champion_name"]
    subject = f"Promote {name}{f' in place of {serving}' if serving else ', the first champion'}?"
    reasons = "\n".join(f"- {_plain(reason)}" for reason in verdict["reasons"])
    body = (
        f"**{_plain(verdict['headline'])}**\n\n{reasons}\n\n{_figures(verdict)}\n\n"
        f"Model card: `{run['model_path']}/card.html`\n\n"
        f"**Approve**: {name} serves within a second. **Reject**, or no answer in {hours:g} hours: "
        f"{f'{serving} stays' if serving else 'there is still no champion'}."
    )
    return subject, body


def _figures(verdict: Mapping[str, Any]) -> str:
    found = {
        scorer: (verdict["metrics"][scorer]["average_precision"], *ends["average_precision"])
        for scorer, ends in verdict["intervals"].items()
        if "average_precision" in ends
    }
    lines = [
        "| {} | {:.4f} | {:.4f} to {:.4f} |".format(title, *found[name])
        for name, title in _SCORERS.items()
        if name in found
    ]
    head = f"| on {verdict['orders']} orders of {verdict['days']} days | average precision | "
    level = f"{100 * verdict['interval_level']:g} % interval |"
    return "\n".join([head + level, "|---|---:|---:|", *lines])


def _plain(text: str) -> str:
    # "model_name" and "*" would be drawn as emphasis.
    return text.replace("*", r"\*").replace("_", r"\_")
