"""The node type `notify`: sends a message."""

from collections.abc import Iterator

from proflow_schemas.configs import Config, Text, Value, Whole
from proflow_schemas.node_types.foreign import GUARDS, Meaning, called
from proflow_schemas.node_types.record import Words, step
from proflow_schemas.readiness import Need, NodeNeed

EMAIL, IN_APP = "email", "inApp"


class Notify(Config):
    """Sends a message."""

    channel: Text = IN_APP
    to: list[Text | Whole] | Text | Whole
    subject: Text | None = None
    content: Value = None


def _needs(config: Notify) -> Iterator[NodeNeed]:
    """List the channel and, of a built-in one, what it needs; expressions are known to runs only."""
    channel = config.channel
    if "${" in channel:
        return
    yield NodeNeed(Need("channel", channel), "channel")
    if channel == EMAIL:
        yield NodeNeed(Need("mail"), "channel")
    if channel == IN_APP:
        for one in config.to if isinstance(config.to, list) else [config.to]:
            if "${" not in str(one):
                yield NodeNeed(Need("recipient", str(one)), "to")


NODE_TYPE = step(
    name="notify",
    function="notify.send",
    method="notify",
    title=Words("Notify", "通知"),
    summary=Words(
        "Sends a message over a channel: `email`, `sms`, `push`, `inApp`, or one of the host's own.",
        "通过 `email`、`sms`、`push`、`inApp` 或自定义渠道发送消息。",
    ),
    category="people",
    icon="bell",
    order=50,
    aliases=("message", "push"),
    elsewhere=(
        *("email", "mail", "sms", "sendemail", "sendmessage", "notification", "notice"),
        *("alert", "slack", "wechat", "dingtalk", "通知", "消息"),
    ),
    config=Notify,
    fields={
        "channel": Words(
            "`email`, `sms`, `push`, `inApp`, or one that the host registers",
            "`email`、`sms`、`push`、`inApp`，或自定义渠道",
        ),
        "to": Words("the recipient, or a list of them", "接收人，可以是一个或多个"),
        "subject": Words("the subject", "消息主题"),
        "content": Words("the text, or data for the channel", "消息正文，或渠道所需的数据"),
    },
    triggers=True,
    needs=_needs,
    meanings=called(
        "to",
        *("recipient", "recipients", "receiver", "receivers", "users", "userids", "user"),
        *("userid", "ccusers", "ccuserids", "touser", "tousers", "copyusers"),
    )
    | called("content", "message", "body", "msg", "messagecontent", "text", "messagetext")
    | dict.fromkeys(
        ("template", "templateid", "templatecode", "templatekey", "templatename"),
        Meaning("`content`, which holds the text itself: `${…}` puts values into it"),
    )
    | called("channel", "notifytype", "messagetype", "sendtype", "notifychannel")
    | called("subject", "messagetitle", "emailsubject")
    | GUARDS,
    example="""\
{
  "id": "tell",
  "type": "notify",
  "data": {"channel": "email", "to": "${event.data.email}", "subject": "Approved", "content": "…"}
}""",
)
