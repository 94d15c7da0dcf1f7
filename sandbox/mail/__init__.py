"""The sandbox's mail: an IMAP server, an SMTP server, and the post office between them."""
