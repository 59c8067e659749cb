"""E-mail, SMS, notifications and their receipts."""
