"""A mail server that delivers to a folder, with an HTTP side to read the mails and to make it misbehave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel, ConfigDict

from local_stack.peers.peer import Journal, PeerSettings, now, serve
from local_stack.ports import HOST

_LARGEST_MAIL = 50 * 1024 * 1024


class MailSettings(PeerSettings):
    smtp_port: int


class Behaviour(StrEnum):
    ACCEPT = "accept"
    REFUSE_TEMPORARILY = "refuse_temporarily"  # 451 after DATA
    REFUSE_FOR_GOOD = "refuse_for_good"  # 550 after DATA
    DROP_BEFORE_REPLY = "drop_before_reply"  # the mail is kept, the sender gets no reply
    DROP_AFTER_REPLY = "drop_after_reply"  # the sender gets 250, then the connection is cut


class Mode(BaseModel):
    """How the next mails are treated: the next `times`, or all until the mode changes."""

    model_config = ConfigDict(extra="forbid")

    behaviour: Behaviour = Behaviour.ACCEPT
    times: int | None = None
    delay_s: float = 0


class Mailbox:
    """Keeps each mail as an `.eml` file and a line of the index."""

    def __init__(self, folder: Path) -> None:
        self.mode = Mode()
        self._folder = folder
        self._index = Journal(folder / "index.jsonl")

    def keep(self, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        mail = message_from_bytes(content, policy=policy.default)
        entry = {
            "id": str(uuid4()),
            "received_at": now(),
            "mail_from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": mail["subject"],
            "message_id": mail["message-id"],
        }
        self._file(entry["id"]).write_bytes(content)
        self._index.append(entry)

    def list(self, to: str | None) -> list[dict[str, Any]]:
        return [entry for entry in self._index.entries if to is None or to in entry["to"]]

    def raw(self, mail_id: str) -> bytes:
        """Raises HTTPException 404 for an id that is not in the index."""
        if not any(entry["id"] == mail_id for entry in self._index.entries):
            raise HTTPException(404, f"no mail {mail_id}")
        return self._file(mail_id).read_bytes()

    def clear(self) -> None:
        for entry in self._index.entries:
            self._file(entry["id"]).unlink(missing_ok=True)
        self._index.clear()

    def next_behaviour(self) -> Behaviour:
        """Counts down `times`; when they are used up the mailbox accepts again."""
        behaviour = self.mode.behaviour
        if self.mode.times is not None:
            left = self.mode.times - 1
            self.mode = self.mode.model_copy(update={"times": left}) if left > 0 else Mode()
        return behaviour

    def _file(self, mail_id: str) -> Path:
        return self._folder / f"{mail_id}.eml"


class Delivery:
    """What the SMTP server asks at the end of DATA; knows how to hang up at the worst moment."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self._mailbox.mode.delay_s)
        behaviour = self._mailbox.next_behaviour()
        if behaviour is Behaviour.REFUSE_TEMPORARILY:
            return "451 try again later"
        if behaviour is Behaviour.REFUSE_FOR_GOOD:
            return "550 no such mailbox"
        self._mailbox.keep(envelope)
        if behaviour is Behaviour.DROP_BEFORE_REPLY:
            _hang_up(server)
        elif behaviour is Behaviour.DROP_AFTER_REPLY:
            asyncio.get_running_loop().call_later(0.01, _hang_up, server)
        return "250 accepted"


def build_app(settings: MailSettings) -> FastAPI:
    mailbox = Mailbox(settings.peer_folder)

    @asynccontextmanager
    async def receive_mail(_: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _smtp(mailbox), HOST, settings.smtp_port)
        async with server:
            yield

    app = FastAPI(title="Mail peer", lifespan=receive_mail)

    @app.get("/mails")
    def list_mails(to: str | None = None) -> list[dict[str, Any]]:
        """In order of arrival; `to` is one exact recipient."""
        return mailbox.list(to)

    @app.get("/mails/{mail_id}")
    def read_mail(mail_id: str) -> dict[str, Any]:
        """Headers, text, HTML and the attachments' names and sizes."""
        mail = message_from_bytes(mailbox.raw(mail_id), policy=policy.default)
        assert isinstance(mail, EmailMessage)  # noqa: S101 - what this policy makes
        return _readable(mail)

    @app.get("/mails/{mail_id}/raw")
    def raw_mail(mail_id: str) -> Response:
        return Response(mailbox.raw(mail_id), media_type="message/rfc822")

    @app.delete("/mails", status_code=204)
    def delete_mails() -> None:
        mailbox.clear()

    @app.get("/mode")
    def get_mode() -> Mode:
        return mailbox.mode

    @app.put("/mode")
    def set_mode(mode: Mode) -> Mode:
        mailbox.mode = mode
        return mode

    return app


def _hang_up(server: SMTP) -> None:
    if server.transport is not None:
        server.transport.close()


def _smtp(mailbox: Mailbox) -> SMTP:
    return SMTP(Delivery(mailbox), data_size_limit=_LARGEST_MAIL, enable_SMTPUTF8=True)


def _readable(mail: EmailMessage) -> dict[str, Any]:
    return {
        "headers": {name: str(value) for name, value in mail.items()},
        "text": _body(mail, "plain"),
        "html": _body(mail, "html"),
        "attachments": [_attachment(part) for part in mail.iter_attachments()],
    }


def _body(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body((kind,))
    return str(part.get_content()) if part else None


def _attachment(part: Any) -> dict[str, Any]:
    content = part.get_payload(decode=True) or b""
    return {"filename": part.get_filename(), "content_type": part.get_content_type(), "size": len(content)}


def main() -> None:
    settings = MailSettings()
    serve(build_app(settings), settings)


if __name__ == "__main__":
    main()
