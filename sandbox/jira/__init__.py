"""The stand-in Jira Cloud: its data, its REST answers, its webhooks, its Connect installation."""
