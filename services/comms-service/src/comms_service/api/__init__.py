"""HTTP: channels, opt-outs, messages and notifications for people, receipts for the SMS provider."""
