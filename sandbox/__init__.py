"""A stand-in Jira Cloud with mail servers, to try Mailbridge and to judge it; shares no code with services/."""
