"""What a tenant may have in this service."""

from comms_service.store.channels import ChannelStore
from comms_service.store.sender_domains import SenderDomainStore
from contracts.kit.quotas import Quota, of_definitions

MESSAGES_PER_RECIPIENT = Quota(
    name="messages_per_recipient_and_day",
    default=200,
    counts="messages to one address within 24 hours",
    at_limit="the command is refused; messages to other addresses go on",
)
CHANNELS = of_definitions("channels", 100, "channels", ChannelStore().count)
SENDER_DOMAINS = Quota(
    name="sender_domains",
    default=50,
    counts="domains to send from",
    at_limit="new ones are refused; those that there are can be checked and removed",
    used=SenderDomainStore().count,
)
SMS_PARTS = Quota(
    name="parts_per_sms",
    default=10,
    counts="parts of one SMS",
    at_limit="the command is refused, with how many parts its text has",
)

QUOTAS = (MESSAGES_PER_RECIPIENT, CHANNELS, SENDER_DOMAINS, SMS_PARTS)
