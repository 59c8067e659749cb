"""What entity-service consumes: the commands of `crm.entity.commands.v1`, and what comms-service says of consents."""
