"""Private instances of real servers: own data folder, own ports, loopback only, stopped by process id.

For tests and for trying Mailbridge on real RabbitMQ and PostgreSQL. The programs themselves come from the system
(`apt-get install --no-install-recommends rabbitmq-server postgresql dovecot-imapd postfix`); nothing of theirs is touched.
"""
